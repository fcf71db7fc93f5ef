import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CodedError } from "@flotilla/base/errors";

/** Path of the database in a data folder. */
export function databasePath(dataDir: string): string {
  return join(dataDir, "flotilla.db");
}

/**
 * Makes the data folder when it is missing and claims it for this process until the returned function is called; throws `data-dir-in-use`
 * when another server has it. The claim is a lock of the operating system and ends with the process, however it ends.
 */
export function claimDataDir(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(dataDir, "lock"), { timeout: 0 });
  try {
    lock.exec("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new CodedError(
      "data-dir-in-use",
      `another Flotilla server runs on ${dataDir}; stop it, or choose another --data`,
      { cause },
    );
  }
  return () => lock.close();
}
