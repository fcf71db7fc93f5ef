import type { Digest } from "@flotilla/base/digest";
import type { ReleaseDocument } from "@flotilla/protocol/release";
import type { Transaction } from "kysely";
import { type ManifestName, projectOf } from "../registry/path.ts";
import type { ReleaseGuard } from "../registry/release-guard.ts";
import type { Tables } from "../store/tables.ts";

/** Rows in one statement. */
const BATCH = 500;

/** Something of the registry that a release needs: a manifest or a blob of a repository. */
export interface ReleaseContent {
  readonly repository: string;
  readonly digest: string;
}

/** Everything that the images of a release are made of, each once. */
export function imageContents({ images }: ReleaseDocument): readonly ReleaseContent[] {
  return Object.values(images).flatMap(({ repository, digest, platforms }) => [
    { repository, digest },
    ...platforms.flatMap(({ manifest, config, layers }) =>
      [manifest, config, ...layers.map((layer) => layer.digest)].map((each) => ({ repository, digest: each })),
    ),
  ]);
}

/** Writes down what a release needs, in the transaction that makes it. */
export async function insertContents(
  trx: Transaction<Tables>,
  release: { readonly project: string; readonly app: string; readonly number: number },
  contents: readonly ReleaseContent[],
): Promise<void> {
  const unique = new Map(contents.map((content) => [`${content.repository} ${content.digest}`, content]));
  const rows = [...unique.values()].map(({ repository, digest }) => ({ ...release, repository, digest }));
  for (let at = 0; at < rows.length; at += BATCH)
    await trx
      .insertInto("release_contents")
      .values(rows.slice(at, at + BATCH))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
}

/** Whether everything that a release needs is there is known from `release_contents`; whose tag `r3` is, from the app. */
export function createReleaseGuard(): ReleaseGuard {
  return {
    protectorOf: (trx, repository, name) =>
      name.kind === "tag" ? tagProtector(trx, repository, name) : contentProtector(trx, repository, name.digest),
  };
}

/** A tag of a release that was deleted stays taken: it never comes to name another one. */
async function tagProtector(
  trx: Transaction<Tables>,
  repository: string,
  { tag }: Extract<ManifestName, { kind: "tag" }>,
): Promise<string | undefined> {
  const number = /^r([1-9]\d{0,8})$/.exec(tag)?.[1];
  if (number === undefined) return undefined;
  const project = projectOf(repository);
  const app = repository.slice(project.length + 1);
  const row = await trx
    .selectFrom("apps")
    .select("last_release")
    .where("project", "=", project)
    .where("name", "=", app)
    .executeTakeFirst();
  return row !== undefined && Number(number) <= row.last_release ? `${app} ${tag}` : undefined;
}

async function contentProtector(
  trx: Transaction<Tables>,
  repository: string,
  digest: Digest,
): Promise<string | undefined> {
  const row = await trx
    .selectFrom("release_contents")
    .select(["app", "number"])
    .where("project", "=", projectOf(repository))
    .where("repository", "=", repository)
    .where("digest", "=", digest)
    .orderBy("number", "desc")
    .limit(1)
    .executeTakeFirst();
  return row && `${row.app} r${row.number}`;
}
