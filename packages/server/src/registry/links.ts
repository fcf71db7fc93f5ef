import { asDigest, type Digest } from "@flotilla/base/digest";
import type { Kysely } from "kysely";
import type { Tables } from "../store/tables.ts";
import { projectOf } from "./path.ts";

/** Digests in one question to the database. */
const BATCH = 500;

/**
 * Which of these blobs the repository does not have. A manifest may name blobs that are not here (distribution-spec allows sparse manifests and indexes),
 * and the bytes of another repository are not to be looked at through it.
 */
export async function missingBlobs(
  database: Kysely<Tables>,
  repository: string,
  blobs: readonly Digest[],
): Promise<ReadonlySet<Digest>> {
  const missing = new Set(blobs);
  for (let at = 0; at < blobs.length; at += BATCH) {
    const rows = await database
      .selectFrom("registry_blobs")
      .select("digest")
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .where("digest", "in", blobs.slice(at, at + BATCH))
      .execute();
    for (const { digest } of rows) missing.delete(asDigest(digest));
  }
  return missing;
}

/** Whether any repository of any project has this content. */
export async function isLinked(database: Kysely<Tables>, digest: string): Promise<boolean> {
  for (const table of ["registry_blobs", "registry_manifests"] as const) {
    const row = await database
      .selectFrom(table)
      .select("digest")
      .where("digest", "=", digest)
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}
