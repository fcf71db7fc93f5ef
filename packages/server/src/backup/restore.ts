import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { verifyDataDir } from "../audit/verify.ts";
import { databasePath } from "../store/data-dir.ts";
import { copyVerified, isMissing, syncFolder } from "./copy-file.ts";
import { type Backup, blobPath, damaged, readBackup } from "./format.ts";
import { restoreKeys } from "./keys-file.ts";
import { blobsOf, databaseProblem } from "./snapshot.ts";

export interface RestoreOptions {
  /** Folder of a backup. */
  readonly from: string;
  /** A folder that is not there or empty. */
  readonly dataDir: string;
  /** Keys that were written beside the backup; without, a server makes new ones. */
  readonly keysFile?: string;
  readonly clock: Clock;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Makes a data folder of a backup, after everything in it was checked: the database's digest and structure, the chain of events, and every blob's digest. The folder
 * appears whole or not at all. Throws `backup-damaged`, or `usage` when the folder holds something.
 */
export async function restore(options: RestoreOptions): Promise<Backup> {
  const { from, keysFile } = options;
  const dataDir = resolve(options.dataDir);
  const backup = readBackup(from);
  if (backup === undefined) throw new CodedError("usage", `${from} is not a whole backup: it has no backup.json`);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new CodedError("usage", `${dataDir} is not empty: restore into a new folder`);
  const staging = `${dataDir}.restoring-${crypto.randomUUID()}`;
  await mkdir(staging, { recursive: true, mode: 0o700 });
  try {
    await restoreDatabase(options, backup, staging);
    await restoreBlobs(options, backup, staging);
    if (keysFile !== undefined) restoreKeys(keysFile, staging);
    await syncFolder(staging);
    if (existsSync(dataDir)) await rmdir(dataDir);
    await rename(staging, dataDir);
    await syncFolder(dirname(dataDir));
    return backup;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function restoreDatabase({ from, clock }: RestoreOptions, backup: Backup, staging: string): Promise<void> {
  const database = databasePath(staging);
  const source = join(from, backup.database.file);
  const digest = asDigest(backup.database.digest);
  await fetchFile(source, () => copyVerified(source, database, { digest, mayLink: false }));
  const problem = databaseProblem(database);
  if (problem !== undefined) throw damaged(`the database is damaged: ${problem}`);
  const events = await verifyDataDir(staging, clock);
  if (!events.intact) throw damaged(`the chain of events is broken at event ${events.brokenSeq}: ${events.reason}`);
  if (events.count !== backup.events.count || events.head !== backup.events.head)
    throw damaged("the chain of events does not end where the backup says");
}

/** Copies, never links: the backup must outlive what happens to the data folder. */
async function restoreBlobs({ from, onProgress }: RestoreOptions, backup: Backup, staging: string): Promise<void> {
  const blobs = blobsOf(databasePath(staging));
  if (blobs.length !== backup.blobs.count) throw damaged("the database does not name the blobs that the backup says");
  for (const [index, { digest }] of blobs.entries()) {
    const source = blobPath(from, digest);
    await fetchFile(source, () => copyVerified(source, blobPath(staging, digest), { digest, mayLink: false }));
    onProgress?.(index + 1, blobs.length);
  }
}

async function fetchFile(path: string, copy: () => Promise<void>): Promise<void> {
  try {
    await copy();
  } catch (error) {
    if (isMissing(error)) throw damaged(`${path} is missing`, error);
    throw error;
  }
}
