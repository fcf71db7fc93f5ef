import type { Digest } from "@flotilla/base/digest";
import type { Context } from "../context.ts";
import { projectOf } from "./path.ts";
import type { ManifestRow } from "./tables.ts";

type Read = Pick<Context, "database">;

/** Whether anything was ever pushed to the repository and is still there. */
export async function repositoryExists({ database }: Read, repository: string): Promise<boolean> {
  for (const table of ["registry_manifests", "registry_blobs"] as const) {
    const row = await database.read
      .selectFrom(table)
      .select("digest")
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}

/** Tags after `last` in byte order, at most `limit`. */
export async function tagsAfter(
  { database }: Read,
  repository: string,
  last: string,
  limit: number,
): Promise<readonly string[]> {
  const rows = await database.read
    .selectFrom("registry_tags")
    .select("tag")
    .where("project", "=", projectOf(repository))
    .where("repository", "=", repository)
    .where("tag", ">", last)
    .orderBy("tag")
    .limit(limit)
    .execute();
  return rows.map(({ tag }) => tag);
}

/** Manifests whose subject is `subject`, after the digest `last`, at most `limit`. */
export async function referrersAfter(
  { database }: Read,
  query: {
    readonly repository: string;
    readonly subject: Digest;
    readonly artifactType?: string | undefined;
    readonly last: string;
    readonly limit: number;
  },
): Promise<readonly ManifestRow[]> {
  const rows = database.read
    .selectFrom("registry_manifests")
    .selectAll()
    .where("project", "=", projectOf(query.repository))
    .where("repository", "=", query.repository)
    .where("subject", "=", query.subject)
    .where("digest", ">", query.last)
    .orderBy("digest")
    .limit(query.limit);
  if (query.artifactType === undefined) return rows.execute();
  return rows.where("artifact_type", "=", query.artifactType).execute();
}
