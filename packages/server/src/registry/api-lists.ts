import type { Repository, Tag } from "@flotilla/protocol/api/registry";
import type { Context } from "../context.ts";
import { projectOf } from "./path.ts";

type Read = Pick<Context, "database">;

/** Repositories of a project after the name `after`, at most `limit`. */
export async function listRepositories(
  { database }: Read,
  project: string,
  after: string,
  limit: number,
): Promise<readonly Repository[]> {
  const rows = await database.read
    .selectFrom("registry_manifests as m")
    .select(({ fn, selectFrom }) => [
      "m.repository as name",
      fn.countAll<number>().as("manifestCount"),
      fn.max("m.created_at").as("updatedAt"),
      selectFrom("registry_tags as t")
        .select((tag) => tag.fn.countAll<number>().as("count"))
        .where("t.project", "=", project)
        .whereRef("t.repository", "=", "m.repository")
        .as("tagCount"),
    ])
    .where("m.project", "=", project)
    .where("m.repository", ">", after)
    .groupBy("m.repository")
    .orderBy("m.repository")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, tagCount: row.tagCount ?? 0 }));
}

/** Tags of a repository after the name `after`, with what their image's scan says, at most `limit`. */
export async function listTags(
  { database }: Read,
  repository: string,
  after: string,
  limit: number,
): Promise<readonly Tag[]> {
  const rows = await database.read
    .selectFrom("registry_tags as t")
    .innerJoin("registry_manifests as m", (join) =>
      join
        .onRef("m.project", "=", "t.project")
        .onRef("m.repository", "=", "t.repository")
        .onRef("m.digest", "=", "t.digest"),
    )
    .leftJoin("registry_scans as s", (join) =>
      join.onRef("s.project", "=", "t.project").onRef("s.manifest", "=", "t.digest"),
    )
    .select(["t.tag", "t.digest", "t.updated_at", "m.media_type", "m.size_bytes", "s.state", "s.outcome"])
    .where("t.project", "=", projectOf(repository))
    .where("t.repository", "=", repository)
    .where("t.tag", ">", after)
    .orderBy("t.tag")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    name: row.tag,
    digest: row.digest,
    mediaType: row.media_type,
    sizeBytes: row.size_bytes,
    updatedAt: row.updated_at,
    scan: row.state ?? "none",
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
  }));
}
