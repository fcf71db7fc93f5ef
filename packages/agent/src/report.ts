import { canonicalJson } from "@flotilla/base/canonical-json";
import { type Clock, toInstant } from "@flotilla/base/clock";
import type { AppState, DeviceFacts, Report } from "@flotilla/protocol/device";
import type { Link } from "./ports.ts";

/** Changes are gathered this long before they are reported. */
const GATHER_MS = 200;
/** Reports that differ only in progress are at least this far apart. */
const PROGRESS_MS = 5000;
/** A report that is not acknowledged for so long is sent again, whole. */
const ACK_MS = 60_000;

/** All that a report can say. */
export interface Snapshot {
  readonly targetVersion: number;
  readonly facts?: DeviceFacts;
  readonly apps: Readonly<Record<string, AppState>>;
}

export interface Reporter {
  /** Sends reports whenever there is something new, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Something may have changed. */
  touch(): void;
  connected(wantsFull: boolean): void;
  disconnected(): void;
  acknowledged(seq: number): void;
}

export interface ReporterOptions {
  readonly link: Link;
  readonly clock: Clock;
  readonly bootId: string;
  readonly snapshot: () => Snapshot;
  /** The number of the next report: greater than any that this device used before. */
  readonly nextSeq: () => Promise<number>;
}

interface Sending {
  connected: boolean;
  /** The server holds nothing of this device that we could build on. */
  full: boolean;
  acked: Snapshot | undefined;
  inFlight: { readonly seq: number; readonly snapshot: Snapshot; readonly sentMs: number } | undefined;
  sentMs: number;
  dirty: AbortController;
}

/**
 * Reports what changed since the report that the server acknowledged last. One is under way at a time, so a lost one costs nothing: the
 * next is made from the acknowledged one again.
 */
export function createReporter(options: ReporterOptions): Reporter {
  const sending: Sending = {
    connected: false,
    full: true,
    acked: undefined,
    inFlight: undefined,
    sentMs: Number.NEGATIVE_INFINITY,
    dirty: new AbortController(),
  };
  const touch = () => sending.dirty.abort();
  return {
    async run(signal) {
      while (!signal.aborted) await sendWhatIsNew(sending, options, signal);
    },
    touch,
    connected(wantsFull) {
      sending.connected = true;
      sending.inFlight = undefined;
      sending.full = wantsFull || sending.acked === undefined;
      touch();
    },
    disconnected() {
      sending.connected = false;
      sending.inFlight = undefined;
    },
    acknowledged(seq) {
      if (sending.inFlight?.seq !== seq) return;
      sending.acked = sending.inFlight.snapshot;
      sending.inFlight = undefined;
      sending.full = false;
      touch();
    },
  };
}

async function sendWhatIsNew(sending: Sending, options: ReporterOptions, signal: AbortSignal): Promise<void> {
  const { clock } = options;
  const waitMs = await sendOnce(sending, options);
  await clock.sleep(waitMs, AbortSignal.any([signal, sending.dirty.signal])).catch(() => undefined);
  if (signal.aborted || !sending.dirty.signal.aborted) return;
  sending.dirty = new AbortController();
  await clock.sleep(GATHER_MS, signal).catch(() => undefined);
}

/** Sends when there is something to say; returns how long to wait when nothing happens. */
async function sendOnce(sending: Sending, options: ReporterOptions): Promise<number> {
  const nowMs = options.clock.monotonic();
  if (!sending.connected) return ACK_MS;
  if (sending.inFlight !== undefined) {
    if (nowMs - sending.inFlight.sentMs < ACK_MS) return ACK_MS - (nowMs - sending.inFlight.sentMs);
    sending.inFlight = undefined;
    sending.full = true;
  }
  const snapshot = options.snapshot();
  const full = sending.full || sending.acked === undefined;
  const changes = differences(full ? undefined : sending.acked, snapshot);
  if (changes === undefined && !full) return ACK_MS;
  const soonest = sending.sentMs + PROGRESS_MS;
  if (!full && nowMs < soonest && onlyProgress(sending.acked, snapshot)) return soonest - nowMs;
  const seq = await options.nextSeq();
  const report: Report = {
    type: "report",
    seq,
    bootId: options.bootId,
    deviceTime: toInstant(options.clock.now()),
    full,
    targetVersion: snapshot.targetVersion,
    ...changes,
  };
  if (options.link.send(report)) {
    sending.inFlight = { seq, snapshot, sentMs: nowMs };
    sending.sentMs = nowMs;
  }
  return ACK_MS;
}

/** What `after` has that `before` has not; undefined when nothing. */
export function differences(before: Snapshot | undefined, after: Snapshot): Pick<Report, "facts" | "apps"> | undefined {
  const apps: Record<string, AppState | null> = {};
  for (const [name, state] of Object.entries(after.apps))
    if (canonicalJson(state) !== canonicalJson(before?.apps[name] ?? null)) apps[name] = state;
  for (const name of Object.keys(before?.apps ?? {})) if (!(name in after.apps)) apps[name] = null;
  const facts = canonicalJson(after.facts ?? null) === canonicalJson(before?.facts ?? null) ? undefined : after.facts;
  const same = Object.keys(apps).length === 0 && facts === undefined && before?.targetVersion === after.targetVersion;
  if (same) return undefined;
  return { ...(facts === undefined ? {} : { facts }), ...(Object.keys(apps).length === 0 && before ? {} : { apps }) };
}

function onlyProgress(before: Snapshot | undefined, after: Snapshot): boolean {
  if (before === undefined) return false;
  return differences(withoutProgress(before), withoutProgress(after)) === undefined;
}

function withoutProgress(snapshot: Snapshot): Snapshot {
  const apps = Object.entries(snapshot.apps).map(([name, { progress: _, ...state }]) => [name, state] as const);
  return { ...snapshot, apps: Object.fromEntries(apps) };
}
