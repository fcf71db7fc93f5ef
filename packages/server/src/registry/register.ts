import { join } from "node:path";
import type { AdvisoryStore } from "@flotilla/guard/model";
import { createScanPool } from "@flotilla/guard/pool";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import type { Policies } from "../policies/port.ts";
import type { DevicePulls } from "./admission.ts";
import { registerRegistryApi } from "./api-routes.ts";
import { type Content, createContent } from "./content.ts";
import { createDiskBlobStore } from "./disk-blob-store.ts";
import { type Collector, createCollector, DEFAULT_GRACE_MS } from "./gc/collector.ts";
import { registerCollection } from "./gc/routes.ts";
import { registerDistribution } from "./http-routes.ts";
import { createLayerScans } from "./layer-scans.ts";
import { createMirrors } from "./mirror/mirrors.ts";
import { openUpstreams } from "./mirror/upstream.ts";
import { registerQuotas } from "./quotas/routes.ts";
import type { ReleaseGuard } from "./release-guard.ts";
import { createRetention, type Retention } from "./retention/retention.ts";
import { registerRetention } from "./retention/routes.ts";
import { createScanRunner } from "./scan-runner.ts";
import type { Scans } from "./scans.ts";
import { createUploads, type Uploads } from "./uploads.ts";

const SCAN_THREADS = 2;
const HOUSEKEEPING_INTERVAL_MS = 3_600_000;

export interface RegistryOptions {
  /** Which repositories a device may pull. */
  readonly devicePulls: DevicePulls;
  /** What the releases need, and therefore stays. */
  readonly releaseGuard: ReleaseGuard;
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
  const pool = createScanPool({ threads: SCAN_THREADS, isBackground: true });
  const layers = createLayerScans(context, blobs, pool);
  const scans = createScanRunner({ context, blobs, layers, ...options });
  const content = createContent(context, blobs, scans);
  const uploads = createUploads(context, content, layers);
  const upstreams = openUpstreams(context.config.mirrors);
  const mirrors = createMirrors({ context, content, uploads, scans, upstreams, ...options });
  registerDistribution(app, { context, content, uploads, mirrors, ...options });
  registerRegistryApi(app, context, scans);
  const collector = createCollector({ ...context, ...options, blobs, pins: content.pins });
  registerCollection(app, context, collector);
  registerQuotas(app, context);
  const retention = createRetention({ ...context, ...options });
  registerRetention(app, context, retention);
  const stopped = new AbortController();
  let housekeeping: Promise<void> | undefined;
  app.addHook("onReady", async () => {
    await scans.resume();
    housekeeping = keepHouse(context, { uploads, collector, retention }, stopped.signal);
  });
  app.addHook("onClose", async () => {
    stopped.abort();
    await housekeeping;
    await mirrors.close();
    await pool.close();
    await scans.idle();
  });
  return { content, scans };
}

/** Gives up old uploads, lets go of what policies do not keep, and collects what nothing names, now and then. */
async function keepHouse(
  { clock, log }: Context,
  house: { readonly uploads: Uploads; readonly collector: Collector; readonly retention: Retention },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await house.uploads.expire();
      await house.retention.runAll();
      const freedBytes = await house.collector.collectAll(DEFAULT_GRACE_MS);
      if (freedBytes > 0) log.info({ freedBytes }, "content that nothing names was removed");
    } catch (error) {
      log.error({ error }, "old uploads and content could not be removed");
    }
    await clock.sleep(HOUSEKEEPING_INTERVAL_MS, signal).catch(() => {}); // aborted: the loop's condition ends it
  }
}
