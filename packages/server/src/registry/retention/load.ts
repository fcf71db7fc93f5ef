import type { Kysely } from "kysely";
import type { Tables } from "../../store/tables.ts";
import { projectOf } from "../path.ts";
import type { RepositoryState } from "./plan.ts";

/** The repository as retention looks at it. */
export async function loadRepository(database: Kysely<Tables>, repository: string): Promise<RepositoryState> {
  const project = projectOf(repository);
  const tags = await database
    .selectFrom("registry_tags")
    .select(["tag", "digest", "updated_at"])
    .where("project", "=", project)
    .where("repository", "=", repository)
    .execute();
  const manifests = await database
    .selectFrom("registry_manifests")
    .select(["digest", "subject", "created_at"])
    .where("project", "=", project)
    .where("repository", "=", repository)
    .execute();
  const names = await database
    .selectFrom("registry_references as r")
    .innerJoin("registry_manifests as m", (join) =>
      join
        .onRef("m.project", "=", "r.project")
        .onRef("m.repository", "=", "r.repository")
        .onRef("m.digest", "=", "r.content"),
    )
    .select(["r.manifest", "r.content"])
    .where("r.project", "=", project)
    .where("r.repository", "=", repository)
    .whereRef("r.manifest", "<>", "r.content")
    .execute();
  const needed = await database
    .selectFrom("release_contents")
    .select("digest")
    .where("project", "=", project)
    .where("repository", "=", repository)
    .execute();
  const app = await database
    .selectFrom("apps")
    .select("last_release")
    .where("project", "=", project)
    .where("name", "=", repository.slice(project.length + 1))
    .executeTakeFirst();
  return {
    tags: tags.map(({ tag, digest, updated_at }) => ({ tag, digest, updatedAt: Date.parse(updated_at) })),
    manifests: manifests.map(({ digest, subject, created_at }) => ({
      digest,
      subject,
      createdAt: Date.parse(created_at),
    })),
    names,
    needed: new Set(needed.map(({ digest }) => digest)),
    isReleaseTag: (tag) => app !== undefined && /^r[1-9]\d{0,8}$/.test(tag),
  };
}

/** Every repository of the project. */
export async function repositoriesOf(database: Kysely<Tables>, project: string): Promise<readonly string[]> {
  const rows = await database
    .selectFrom("registry_manifests")
    .select("repository")
    .distinct()
    .where("project", "=", project)
    .orderBy("repository")
    .execute();
  return rows.map(({ repository }) => repository);
}
