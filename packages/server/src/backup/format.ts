import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { algorithmOf, type Digest, encodedPart } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";

/** Names the database and what must be beside it; written last, so that a folder with it is a whole backup. */
export const BACKUP_FILE = "backup.json";
const MAX_BACKUP_FILE_BYTES = 1024 * 1024;

/** What `backup.json` says. */
export const Backup = Type.Object(
  {
    format: Type.Literal(1),
    /** Of the server that the data is of. */
    version: Type.String({ maxLength: 100 }),
    createdAt: Type.String({ maxLength: 40 }),
    database: Type.Object(
      {
        file: Type.String({ pattern: "^database-[a-f0-9]{64}\\.db$" }),
        digest: Type.String({ pattern: "^sha256:[a-f0-9]{64}$" }),
      },
      { additionalProperties: false },
    ),
    /** The chain of events in it. */
    events: Type.Object(
      { count: Type.Integer({ minimum: 0 }), head: Type.String({ pattern: "^[a-f0-9]{64}$" }) },
      { additionalProperties: false },
    ),
    blobs: Type.Object(
      { count: Type.Integer({ minimum: 0 }), bytes: Type.Integer({ minimum: 0 }) },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
export type Backup = Static<typeof Backup>;

/** The backup in a folder, or undefined when there is none; throws `backup-damaged`. */
export function readBackup(folder: string): Backup | undefined {
  const path = join(folder, BACKUP_FILE);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  if (size > MAX_BACKUP_FILE_BYTES) throw damaged(`${path} is larger than ${MAX_BACKUP_FILE_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw damaged(`${path} is not JSON`, cause);
  }
  if (!Value.Check(Backup, value)) throw damaged(`${path} is not of a format that this version knows`);
  return value;
}

/** Where a blob stands below a data folder or a backup: the same place in both. */
export function blobPath(folder: string, digest: Digest): string {
  return join(folder, "registry", "blobs", algorithmOf(digest), encodedPart(digest));
}

/** The refusal of a backup that is not what it was. */
export function damaged(message: string, cause?: unknown): CodedError {
  return new CodedError("backup-damaged", message, cause === undefined ? {} : { cause });
}
