import { toInstant } from "@flotilla/base/clock";
import type { Context } from "../context.ts";

/** Devices whose last-seen is written in one transaction. */
const BATCH = 200;
/** How often the time of devices that stay connected is written. */
const CONNECTED_EVERY_MS = 15 * 60_000;
/** Devices that went are written down after so long, together. */
const GONE_EVERY_MS = 5000;

/** Who is connected, in memory; the database learns of it in batches and never at a heartbeat. */
export interface Presence {
  isOnline(device: string): boolean;
  connected(project: string, device: string): void;
  disconnected(project: string, device: string): void;
  readonly size: number;
  /** Writes last-seen times until the signal aborts, and then once more. */
  run(signal: AbortSignal): Promise<void>;
}

export function createPresence(context: Context): Presence {
  const online = new Map<string, string>();
  const gone = new Map<string, { readonly project: string; readonly at: string }>();
  const { clock } = context;
  return {
    isOnline: (device) => online.has(device),
    connected(project, device) {
      online.set(device, project);
      gone.delete(device);
    },
    disconnected(project, device) {
      online.delete(device);
      gone.set(device, { project, at: toInstant(clock.now()) });
    },
    get size() {
      return online.size;
    },
    async run(signal) {
      let sweptAt = clock.monotonic();
      while (!signal.aborted) {
        await clock.sleep(GONE_EVERY_MS, signal).catch(() => undefined);
        await writeGone(context, gone);
        if (clock.monotonic() - sweptAt < CONNECTED_EVERY_MS && !signal.aborted) continue;
        sweptAt = clock.monotonic();
        await writeConnected(context, [...online.keys()]);
      }
    },
  };
}

async function writeGone(
  { database }: Context,
  gone: Map<string, { readonly project: string; readonly at: string }>,
): Promise<void> {
  while (gone.size > 0) {
    const batch = [...gone].slice(0, BATCH);
    await database.write(async (trx) => {
      for (const [device, { project, at }] of batch)
        await trx
          .updateTable("devices")
          .set({ last_seen_at: at })
          .where("project", "=", project)
          .where("id", "=", device)
          .execute();
    });
    for (const [device, written] of batch) if (gone.get(device) === written) gone.delete(device);
  }
}

async function writeConnected({ database, clock }: Context, devices: readonly string[]): Promise<void> {
  const last_seen_at = toInstant(clock.now());
  for (let start = 0; start < devices.length; start += BATCH) {
    const batch = devices.slice(start, start + BATCH);
    await database.write((trx) => trx.updateTable("devices").set({ last_seen_at }).where("id", "in", batch).execute());
  }
}
