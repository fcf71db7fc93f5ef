import type { Clock } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import { messageOf } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import { MAX_MANIFEST_BYTES, parseManifest } from "@flotilla/oci/manifest";
import type { Database } from "../../store/database.ts";
import type { BlobStore } from "../blob-store.ts";
import type { ManifestRow } from "../tables.ts";
import { insertReferences } from "./references.ts";

/** Rows looked at before others get the thread. */
const CHUNK = 500;

export interface IndexPorts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Writes down what manifests name that were stored before anybody wrote it down. Returns the repositories with a manifest that cannot be read:
 * nobody knows what it needs, so nothing may be collected there.
 */
export async function indexManifests(ports: IndexPorts, project: string): Promise<ReadonlySet<string>> {
  const unreadable = new Set<string>();
  let after: readonly [string, string] = ["", ""];
  for (;;) {
    const rows = await page(ports.database, project, after);
    for (const row of rows) {
      if (row.known !== null || (await index(ports, row))) continue;
      unreadable.add(row.repository);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < CHUNK) return unreadable;
    after = [last.repository, last.digest];
    await ports.clock.sleep(0);
  }
}

function page({ read }: Database, project: string, [repository, digest]: readonly [string, string]) {
  return read
    .selectFrom("registry_manifests as m")
    .leftJoin("registry_references as r", (join) =>
      join
        .onRef("r.project", "=", "m.project")
        .onRef("r.repository", "=", "m.repository")
        .onRef("r.manifest", "=", "m.digest")
        .onRef("r.content", "=", "m.digest"),
    )
    .select(["m.repository", "m.digest", "m.media_type", "r.content as known"])
    .where("m.project", "=", project)
    .where(({ eb, refTuple, tuple }) => eb(refTuple("m.repository", "m.digest"), ">", tuple(repository, digest)))
    .orderBy("m.repository")
    .orderBy("m.digest")
    .limit(CHUNK)
    .execute();
}

async function index(
  { database, blobs, log }: IndexPorts,
  row: Pick<ManifestRow, "repository" | "digest" | "media_type">,
): Promise<boolean> {
  const { repository, digest } = row;
  try {
    const manifest = parseManifest(await readManifest(blobs, digest), row.media_type);
    await database.write((trx) => insertReferences(trx, repository, digest, manifest));
    return true;
  } catch (error) {
    log.warn({ repository, digest, reason: messageOf(error) }, "manifest cannot be read: nothing is collected there");
    return false;
  }
}

async function readManifest(blobs: BlobStore, digest: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of blobs.read(asDigest(digest))) {
    size += chunk.length;
    if (size > MAX_MANIFEST_BYTES) break;
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
