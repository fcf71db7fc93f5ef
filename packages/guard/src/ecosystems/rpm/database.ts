import {
  type Extraction,
  type FoundPackage,
  NO_MORE,
  type StreamExtractor,
  type WholeFile,
  type WholeFileExtractor,
} from "../ecosystem.ts";
import { isBdb, readBdb } from "./bdb.ts";
import type { Blobs } from "./blobs.ts";
import { parseHeader } from "./header.ts";
import { NDB_MAGIC, readNdb } from "./ndb.ts";
import { filesOf, packageOf } from "./package.ts";
import { readSqlite } from "./sqlite.ts";

const MAX_DATABASE_BYTES = 256 * 1024 * 1024;
const MAX_FILES = 500_000;
const MAX_PROBLEMS = 100;
const FOLDERS = /^(?:var\/lib\/rpm|usr\/lib\/sysimage\/rpm|usr\/share\/rpm)\/(?:rpmdb\.sqlite|Packages\.db|Packages)$/;
/** A journal with nothing in it is its header alone (SQLite, "WAL File Format"). */
const EMPTY_JOURNAL_BYTES = 32;

/** rpm's database: SQLite (`rpmdb.sqlite`), rpm's own form (`Packages.db`) or Berkeley DB (`Packages`), told apart by what is in it. */
export const databaseExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "rpm-database",
  maxBytes: MAX_DATABASE_BYTES,
  wants: (path) => path.includes("/rpm/") && FOLDERS.test(path),
  read: readDatabase,
};

/** What stands in the write-ahead journal alone is not read: said, not passed over. */
export const journalExtractor: StreamExtractor = {
  kind: "stream",
  id: "rpm-journal",
  wants: (path) => path.endsWith("/rpm/rpmdb.sqlite-wal"),
  open: (_path, sizeBytes) =>
    sizeBytes <= EMPTY_JOURNAL_BYTES
      ? undefined
      : {
          write: () => NO_MORE,
          end: () => ({
            packages: [],
            problems: ["unread-journal: packages installed last may stand only in this journal, which is not read"],
          }),
        },
};

function readDatabase(file: WholeFile): Extraction {
  const { blobs, problems } = blobsOf(file.bytes);
  const packages: FoundPackage[] = [];
  const reasons = [...problems];
  const owned: string[] = [];
  for (const blob of blobs) {
    const header = parseHeader(blob);
    const found = header === undefined ? "damaged: a package's header" : packageOf(header);
    if (typeof found === "string") reasons.push(found);
    else if (found !== undefined) packages.push(found);
    if (header !== undefined && owned.length < MAX_FILES) for (const path of filesOf(header)) owned.push(path);
  }
  if (owned.length > MAX_FILES) reasons.push(`too-many-files: more than ${MAX_FILES}`);
  return { packages, problems: reasons.slice(0, MAX_PROBLEMS), owned: owned.slice(0, MAX_FILES) };
}

function blobsOf(bytes: Buffer): Blobs {
  if (bytes.length === 0) return { blobs: [], problems: [] };
  if (bytes.length >= 32 && bytes.readUInt32LE(0) === NDB_MAGIC) return readNdb(bytes);
  return isBdb(bytes) ? readBdb(bytes) : readSqlite(bytes);
}
