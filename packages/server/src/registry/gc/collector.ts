import type { Log } from "@flotilla/base/log";
import { Semaphore } from "@flotilla/base/semaphore";
import type { Actor } from "../../audit/events.ts";
import type { BlobStore } from "../blob-store.ts";
import { type CollectPorts, condemn, type Swept, sweep } from "./condemn.ts";
import { indexManifests } from "./index-manifests.ts";
import type { Pins } from "./pins.ts";
import { removeFiles } from "./remove-files.ts";

/** How long a blob stays that no manifest names: from the run that notices it, or from the last time that somebody was told that it is here. */
export const DEFAULT_GRACE_MS = 24 * 3_600_000;

export interface Collection extends Swept {
  /** Noticed in this run: they go in a run after the grace period. */
  readonly condemned: number;
}

/**
 * Collects what nobody needs, while pushes and deletions go on. A blob that no manifest of its repository names is condemned, and leaves the repository in a later run after a
 * grace period unless somebody pushes it, mounts it, asks for it or names it: each of them takes it off the list in its own transaction.
 * Bytes go when no repository of any project has them.
 */
export interface Collector {
  collect(options: { readonly project: string; readonly actor: Actor; readonly graceMs: number }): Promise<Collection>;
  /** Every project. Returns the bytes that the disk got back. */
  collectAll(graceMs: number): Promise<number>;
}

export interface CollectorPorts extends CollectPorts {
  readonly blobs: BlobStore;
  readonly pins: Pins;
  readonly log: Log;
}

const SYSTEM: Actor = { kind: "system", id: "registry" };

/** Runs one collection at a time. */
export function createCollector(ports: CollectorPorts): Collector {
  const { database, clock } = ports;
  const turn = new Semaphore(1);
  async function collectRows(project: string, actor: Actor, graceMs: number): Promise<Collection> {
    const before = clock.now() - graceMs;
    const unreadable = await indexManifests(ports, project);
    const swept = await sweep(ports, { project, before, actor });
    return { ...swept, condemned: await condemn(ports, project, unreadable) };
  }
  return {
    collect: ({ project, actor, graceMs }) =>
      turn.run(async () => {
        const collection = await collectRows(project, actor, graceMs);
        await removeFiles(ports);
        return collection;
      }),
    collectAll: (graceMs) =>
      turn.run(async () => {
        const projects = await database.read.selectFrom("projects").select("name").execute();
        for (const { name } of projects) await collectRows(name, SYSTEM, graceMs);
        return removeFiles(ports);
      }),
  };
}
