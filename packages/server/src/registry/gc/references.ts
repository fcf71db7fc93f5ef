import type { Manifest } from "@flotilla/oci/manifest";
import type { Kysely, Transaction } from "kysely";
import type { Tables } from "../../store/tables.ts";
import { projectOf } from "../path.ts";

/** Rows in one statement; SQLite takes 32,766 parameters. */
const BATCH = 500;

/** Everything that a manifest names, each once: config, layers, manifests. Its subject is not among them: a referrer does not keep what it refers to. */
export function contentsOf(manifest: Manifest): readonly string[] {
  const parts = manifest.kind === "index" ? manifest.manifests : [manifest.config, ...manifest.layers];
  return [...new Set(parts.map(({ digest }) => digest))];
}

/** Writes down what a manifest names, in the transaction that stores it; whatever of it was condemned is not any more. */
export async function insertReferences(
  trx: Transaction<Tables>,
  repository: string,
  digest: string,
  manifest: Manifest,
): Promise<void> {
  const key = { project: projectOf(repository), repository };
  const contents = contentsOf(manifest);
  const rows = [digest, ...contents].map((content) => ({ ...key, manifest: digest, content }));
  for (let at = 0; at < rows.length; at += BATCH)
    await trx
      .insertInto("registry_references")
      .values(rows.slice(at, at + BATCH))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  await pardon(trx, repository, contents);
}

/** Takes blobs off the list of what is to be collected. */
export async function pardon(trx: Transaction<Tables>, repository: string, digests: readonly string[]): Promise<void> {
  for (let at = 0; at < digests.length; at += BATCH)
    await trx
      .deleteFrom("registry_condemned")
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .where("digest", "in", digests.slice(at, at + BATCH))
      .execute();
}

/** Whether a manifest of the repository names this content. */
export async function isNamed(database: Kysely<Tables>, repository: string, content: string): Promise<boolean> {
  const row = await database
    .selectFrom("registry_references")
    .select("content")
    .where("project", "=", projectOf(repository))
    .where("repository", "=", repository)
    .where("content", "=", content)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
