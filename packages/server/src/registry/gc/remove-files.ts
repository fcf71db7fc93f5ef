import type { Clock } from "@flotilla/base/clock";
import type { Digest } from "@flotilla/base/digest";
import type { Database } from "../../store/database.ts";
import type { BlobStore } from "../blob-store.ts";
import { isLinked } from "../links.ts";
import type { Pins } from "./pins.ts";

/** Files looked at before others get the thread. */
const CHUNK = 200;

export interface RemovePorts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly pins: Pins;
  readonly clock: Clock;
}

/**
 * Removes the bytes that no repository has: what was swept, what was deleted, and what a crash left between storing bytes and naming them. Rows
 * always go first, so a crash leaves bytes without a name, which the next call finds, and never a name without bytes. Returns the bytes freed.
 */
export async function removeFiles(ports: RemovePorts): Promise<number> {
  const { blobs, clock } = ports;
  let freed = 0;
  let chunk: Digest[] = [];
  for await (const digest of blobs.list()) {
    chunk.push(digest);
    if (chunk.length < CHUNK) continue;
    freed += await removeUnlinked(ports, chunk);
    chunk = [];
    await clock.sleep(0);
  }
  return freed + (await removeUnlinked(ports, chunk));
}

async function removeUnlinked(ports: RemovePorts, digests: readonly Digest[]): Promise<number> {
  const { database, blobs, pins } = ports;
  const linked = await linkedOf(database, digests);
  let freed = 0;
  for (const digest of digests) {
    if (linked.has(digest)) continue;
    const bytes = await pins.unlessHeld(digest, async () =>
      (await isLinked(database.read, digest)) ? 0 : blobs.remove(digest),
    );
    freed += bytes ?? 0;
  }
  return freed;
}

async function linkedOf({ read }: Database, digests: readonly Digest[]): Promise<ReadonlySet<string>> {
  if (digests.length === 0) return new Set();
  const rows = await Promise.all(
    (["registry_blobs", "registry_manifests"] as const).map((table) =>
      read.selectFrom(table).select("digest").distinct().where("digest", "in", digests).execute(),
    ),
  );
  return new Set(rows.flat().map(({ digest }) => digest));
}
