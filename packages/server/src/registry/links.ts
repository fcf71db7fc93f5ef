import { CodedError } from "@flotilla/base/errors";
import type { Descriptor, Manifest } from "@flotilla/oci/manifest";
import type { Kysely } from "kysely";
import type { Tables } from "../store/tables.ts";
import { projectOf } from "./path.ts";

/** Digests in one question to the database. */
const BATCH = 500;

/**
 * Throws `manifest-blob-unknown` unless the repository has every blob that an image manifest names. Layers that are not distributed may be absent, and
 * so may the manifests of an index (distribution-spec allows sparse indexes).
 */
export async function checkLinks(database: Kysely<Tables>, repository: string, manifest: Manifest): Promise<void> {
  if (manifest.kind === "index") return;
  const needed = [manifest.config, ...manifest.layers.filter(isDistributed)].map(({ digest }) => digest);
  const missing = new Set<string>(needed);
  for (let at = 0; at < needed.length; at += BATCH) {
    const rows = await database
      .selectFrom("registry_blobs")
      .select("digest")
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .where("digest", "in", needed.slice(at, at + BATCH))
      .execute();
    for (const { digest } of rows) missing.delete(digest);
  }
  const [first] = missing;
  if (first !== undefined)
    throw new CodedError("manifest-blob-unknown", `the repository does not have ${first}; push it first`, {
      details: { digests: [...missing].slice(0, 20) },
    });
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

function isDistributed({ mediaType }: Descriptor): boolean {
  return !mediaType.includes(".nondistributable.") && !mediaType.includes(".foreign.");
}
