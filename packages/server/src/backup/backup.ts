import { existsSync, readdirSync } from "node:fs";
import { mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, toInstant } from "@flotilla/base/clock";
import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import { verifyFile } from "../audit/verify.ts";
import { DEFAULT_SETTINGS } from "../config.ts";
import { databasePath } from "../store/data-dir.ts";
import { copyVerified, isMissing, syncFolder } from "./copy-file.ts";
import { BACKUP_FILE, type Backup, blobPath, damaged, readBackup } from "./format.ts";
import { writeKeysFile } from "./keys-file.ts";
import { blobsOf, type NamedBlob, type Snapshot, snapshotName, takeSnapshot } from "./snapshot.ts";

/** How often the database is copied again because a blob of the copy was removed before it was secured. */
const MAX_SNAPSHOTS = 5;

export interface BackupOptions {
  readonly dataDir: string;
  /** A new folder, an empty one, or that of an earlier backup, to which only what is new is added. */
  readonly to: string;
  /** Where the server's keys are written, if anywhere: they are not in the backup itself. */
  readonly keysFile?: string;
  /** Never make hard links, also on the same file system. */
  readonly copy?: boolean;
  readonly clock: Clock;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface BackupResult extends Backup {
  readonly addedBlobs: number;
  readonly addedBytes: number;
}

/**
 * Copies the database (as of one instant) and every blob that it names into a folder, while the server runs or after it was killed. Each blob is hashed when it is
 * added. A backup that was there is whole until the new one is. Throws `backup-damaged` when something on the disk is not what it was.
 */
export async function backUp(options: BackupOptions): Promise<BackupResult> {
  const { dataDir, to, clock } = options;
  if (!existsSync(databasePath(dataDir)))
    throw new CodedError("usage", `${dataDir} is not the data folder of a server: it has no database`);
  await mkdir(to, { recursive: true, mode: 0o700 });
  if (readdirSync(to).length > 0 && readBackup(to) === undefined && !isUnfinished(to))
    throw new CodedError("usage", `${to} is neither empty nor a backup: choose another folder`);
  const { snapshot, ...secured } = await secure(options);
  const events = await verifyFile(snapshot.path, clock);
  if (!events.intact) throw damaged(`the chain of events is broken at event ${events.brokenSeq}: ${events.reason}`);
  const backup: Backup = {
    format: 1,
    version: DEFAULT_SETTINGS.version,
    createdAt: toInstant(clock.now()),
    database: { file: snapshotName(snapshot.digest), digest: snapshot.digest },
    events: { count: events.count, head: events.head },
    blobs: { count: secured.blobs.length, bytes: secured.blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0) },
  };
  await rename(snapshot.path, join(to, backup.database.file));
  await writeWhole(to, backup);
  await prune(to, backup, new Set(secured.blobs.map(({ digest }) => digest)));
  if (options.keysFile !== undefined) writeKeysFile(dataDir, options.keysFile);
  return { ...backup, addedBlobs: secured.addedBlobs, addedBytes: secured.addedBytes };
}

/** A backup that was interrupted before it was whole leaves nothing but parts of one. */
function isUnfinished(folder: string): boolean {
  return readdirSync(folder).every((name) =>
    /^database-[a-f0-9-]+\.(?:partial|db)$|^registry$|^backup\.json\.partial$/.test(name),
  );
}

interface Secured {
  readonly snapshot: Snapshot;
  readonly blobs: readonly NamedBlob[];
  readonly addedBlobs: number;
  readonly addedBytes: number;
}

/** A copy of the database and all that it names; taken again when something was collected between the copy and its turn. */
async function secure(options: BackupOptions): Promise<Secured> {
  const { dataDir, to } = options;
  let [addedBlobs, addedBytes] = [0, 0];
  for (let attempt = 1; ; attempt++) {
    const snapshot = await takeSnapshot(dataDir, to);
    try {
      const blobs = blobsOf(snapshot.path);
      for (const [index, blob] of blobs.entries()) {
        if (await addBlob(options, blob)) {
          addedBlobs++;
          addedBytes += blob.sizeBytes;
        }
        options.onProgress?.(index + 1, blobs.length);
      }
      for (const algorithm of ["sha256", "sha512"]) {
        const folder = join(to, "registry", "blobs", algorithm);
        if (existsSync(folder)) await syncFolder(folder);
      }
      return { snapshot, blobs, addedBlobs, addedBytes };
    } catch (error) {
      await rm(snapshot.path, { force: true });
      if (!isCoded(error, "blob-missing")) throw error;
      if (attempt === MAX_SNAPSHOTS) throw damaged(error.message, error);
    }
  }
}

/** Whether the blob was not in the backup yet. */
async function addBlob({ dataDir, to, copy }: BackupOptions, { digest, sizeBytes }: NamedBlob): Promise<boolean> {
  const target = blobPath(to, digest);
  const there = await stat(target).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    return undefined;
  });
  if (there?.size === sizeBytes) return false;
  const source = blobPath(dataDir, digest);
  try {
    await copyVerified(source, target, { digest, mayLink: copy !== true });
    return true;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CodedError("blob-missing", `a repository has ${digest}, but ${source} is not there`, { cause: error });
  }
}

async function writeWhole(to: string, backup: Backup): Promise<void> {
  await syncFolder(to);
  const partial = join(to, `${BACKUP_FILE}.partial`);
  const file = await open(partial, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(backup, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, join(to, BACKUP_FILE));
  await syncFolder(to);
}

/** Removes what only earlier backups of this folder needed. */
async function prune(to: string, { database }: Backup, blobs: ReadonlySet<Digest>): Promise<void> {
  for (const name of readdirSync(to))
    if (name.startsWith("database-") && name !== database.file) await rm(join(to, name), { force: true });
  for (const algorithm of ["sha256", "sha512"]) {
    const folder = join(to, "registry", "blobs", algorithm);
    if (!existsSync(folder)) continue;
    for await (const { name } of await opendir(folder)) {
      const digest = parseDigest(`${algorithm}:${name}`);
      if (digest === undefined || !blobs.has(digest)) await rm(join(folder, name), { force: true });
    }
  }
}
