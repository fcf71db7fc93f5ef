import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { CodedError } from "@flotilla/base/errors";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { writeSecretFile } from "../store/server-key.ts";
import { damaged } from "./format.ts";

/** Folders of a data folder that hold secrets of the server; nothing of them is in a backup. */
const KEY_FOLDERS = ["keys", "tls"];
const MAX_KEYS_FILE_BYTES = 1024 * 1024;

const KeysFile = Type.Object(
  {
    format: Type.Literal(1),
    /** Base64 of each file by its path in the data folder. */
    files: Type.Record(
      Type.String({ pattern: "^(?:keys|tls)/[A-Za-z0-9][A-Za-z0-9._-]{0,100}$" }),
      Type.String({ maxLength: 100_000 }),
      { additionalProperties: false, maxProperties: 100 },
    ),
  },
  { additionalProperties: false },
);
type KeysFile = Static<typeof KeysFile>;

/** Writes the keys of a data folder into one file (mode 0600); refuses to replace one. */
export function writeKeysFile(dataDir: string, path: string): void {
  const files: Record<string, string> = {};
  for (const folder of KEY_FOLDERS)
    for (const name of filesOf(join(dataDir, folder)))
      files[`${folder}/${name}`] = readFileSync(join(dataDir, folder, name)).toString("base64");
  if (statSync(path, { throwIfNoEntry: false }) !== undefined)
    throw new CodedError("usage", `${path} is there already: keys are not overwritten`);
  writeSecretFile(path, `${JSON.stringify({ format: 1, files } satisfies KeysFile)}\n`);
}

/** Puts the keys of such a file into a data folder without keys; throws `backup-damaged`. */
export function restoreKeys(path: string, dataDir: string): void {
  const { files } = readKeysFile(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dataDir, dirname(name)), { recursive: true, mode: 0o700 });
    writeSecretFile(join(dataDir, name), Buffer.from(content, "base64"));
  }
}

function readKeysFile(path: string): KeysFile {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new CodedError("usage", `there is no file ${path}`);
  if (size > MAX_KEYS_FILE_BYTES) throw damaged(`${path} is larger than ${MAX_KEYS_FILE_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // The parser's message would quote the file, which holds keys.
    throw damaged(`${path} is not JSON`);
  }
  if (!Value.Check(KeysFile, value)) throw damaged(`${path} does not hold keys of a server`);
  return value;
}

function filesOf(folder: string): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
}
