import { rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { asDigest, type Digest, encodedPart } from "@flotilla/base/digest";
import { databasePath } from "../store/data-dir.ts";
import { openReader } from "../store/database.ts";
import { hashFile } from "./copy-file.ts";

/** A copy of the database as it was at one instant. */
export interface Snapshot {
  readonly path: string;
  readonly digest: Digest;
}

/** Copies the database into `folder` under its digest; a server may write to it meanwhile (its writer is not kept waiting). */
export async function takeSnapshot(dataDir: string, folder: string): Promise<Snapshot> {
  const path = join(folder, `database-${crypto.randomUUID()}.partial`);
  const source = openReader(databasePath(dataDir));
  try {
    source.prepare("VACUUM INTO ?").run(path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    source.close();
  }
  const file = await open(path, "r+");
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
  return { path, digest: await hashFile(path) };
}

/** Name of a snapshot in a backup. */
export function snapshotName(digest: Digest): string {
  return `database-${encodedPart(digest)}.db`;
}

/** A blob that a repository has. */
export interface NamedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Every blob and manifest that some repository has, each once, in the order of their digests. */
export function blobsOf(database: string): readonly NamedBlob[] {
  const connection = new DatabaseSync(database, { readOnly: true });
  try {
    const rows = connection
      .prepare(
        `SELECT digest, MAX(size_bytes) AS size FROM (
           SELECT digest, size_bytes FROM registry_blobs UNION ALL SELECT digest, size_bytes FROM registry_manifests
         ) GROUP BY digest ORDER BY digest`,
      )
      .all();
    return rows.map(({ digest, size }) => ({ digest: asDigest(String(digest)), sizeBytes: Number(size) }));
  } finally {
    connection.close();
  }
}

/** What is wrong with a database file, or undefined. */
export function databaseProblem(database: string): string | undefined {
  const connection = new DatabaseSync(database, { readOnly: true });
  try {
    const answer = connection.prepare("PRAGMA integrity_check(1)").get() as { readonly integrity_check?: unknown };
    return answer.integrity_check === "ok" ? undefined : String(answer.integrity_check);
  } finally {
    connection.close();
  }
}
