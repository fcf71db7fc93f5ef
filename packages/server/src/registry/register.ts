import { join } from "node:path";
import type { AdvisoryStore } from "@flotilla/guard/model";
import { createScanPool } from "@flotilla/guard/pool";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import type { Policies } from "../policies/port.ts";
import type { DevicePulls } from "./admission.ts";
import { registerRegistryApi } from "./api-routes.ts";
import type { BlobStore } from "./blob-store.ts";
import { type Content, createContent } from "./content.ts";
import { createDiskBlobStore } from "./disk-blob-store.ts";
import { registerDistribution } from "./http-routes.ts";
import { createLayerScans } from "./layer-scans.ts";
import { isLinked } from "./links.ts";
import { createScanRunner } from "./scan-runner.ts";
import type { Scans } from "./scans.ts";
import { createUploads, type Uploads } from "./uploads.ts";

const SCAN_THREADS = 2;
const HOUSEKEEPING_INTERVAL_MS = 3_600_000;
/** Content that no repository has stays so long: it may be about to be named. */
const MIN_UNLINKED_AGE_MS = 24 * 3_600_000;

export interface RegistryOptions {
  /** Which repositories a device may pull. */
  readonly devicePulls: DevicePulls;
  /** The advisories as they are now. */
  readonly advisories: () => AdvisoryStore;
  /** The policies that images are judged by. */
  readonly policies: Policies;
}

/** The registry as other features use it. */
export interface Registry {
  readonly content: Content;
  readonly scans: Scans;
}

/** The registry: `/v2/`, its API, and the scanning of what is pushed. */
export function registerRegistry(app: App, context: Context, options: RegistryOptions): Registry {
  const blobs = createDiskBlobStore(join(context.config.dataDir, "registry"));
  const pool = createScanPool({ threads: SCAN_THREADS });
  const layers = createLayerScans(context, blobs, pool);
  const scans = createScanRunner({ context, blobs, layers, ...options });
  const content = createContent(context, blobs, scans);
  const uploads = createUploads(context, content, layers);
  registerDistribution(app, { context, content, uploads, devicePulls: options.devicePulls });
  registerRegistryApi(app, context, scans);
  const stopped = new AbortController();
  let housekeeping: Promise<void> | undefined;
  app.addHook("onReady", async () => {
    await scans.resume();
    housekeeping = keepHouse(context, blobs, uploads, stopped.signal);
  });
  app.addHook("onClose", async () => {
    stopped.abort();
    await housekeeping;
    await pool.close();
    await scans.idle();
  });
  return { content, scans };
}

/** Gives up old uploads and removes what nothing links, now and then. */
async function keepHouse(context: Context, blobs: BlobStore, uploads: Uploads, signal: AbortSignal): Promise<void> {
  const { clock, log, database } = context;
  while (!signal.aborted) {
    try {
      await uploads.expire();
      const before = clock.now() - MIN_UNLINKED_AGE_MS;
      const freedBytes = await blobs.collect((digest) => isLinked(database.read, digest), before);
      if (freedBytes > 0) log.info({ freedBytes }, "content that no repository has was removed");
    } catch (error) {
      log.error({ error }, "old uploads and content could not be removed");
    }
    await clock.sleep(HOUSEKEEPING_INTERVAL_MS, signal).catch(() => {}); // aborted: the loop's condition ends it
  }
}
