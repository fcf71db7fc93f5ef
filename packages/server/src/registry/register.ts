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
import { registerDistribution } from "./http-routes.ts";
import { createLayerScans } from "./layer-scans.ts";
import { createScanRunner } from "./scan-runner.ts";
import type { Scans } from "./scans.ts";
import { createUploads } from "./uploads.ts";

const SCAN_THREADS = 2;
const EXPIRY_INTERVAL_MS = 3_600_000;

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
  app.addHook("onReady", async () => {
    await scans.resume();
    expireUploads(context, () => uploads.expire(), stopped.signal);
  });
  app.addHook("onClose", async () => {
    stopped.abort();
    await pool.close();
    await scans.idle();
  });
  return { content, scans };
}

/** Gives up old uploads, now and then. */
async function expireUploads(
  { clock, log }: Pick<Context, "clock" | "log">,
  expire: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await expire();
      await clock.sleep(EXPIRY_INTERVAL_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      log.error({ error }, "old uploads could not be given up");
      await clock.sleep(EXPIRY_INTERVAL_MS, signal).catch(() => {}); // aborted: the loop's condition ends it
    }
  }
}
