import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";

/** Keys remembered; the oldest goes first. */
const MAX_KEYS = 20_000;

/** Bounds guesses: an attempt counts until it succeeded or its window has passed. */
export interface Throttle {
  /** Counts an attempt; throws `too-many-requests` once `limit` of them have not succeeded within the window. */
  attempt(key: string): void;
  /** An attempt succeeded: it does not count. */
  succeed(key: string): void;
}

export interface ThrottleOptions {
  readonly clock: Clock;
  readonly limit: number;
  readonly windowMs: number;
}

interface Window {
  readonly startedAt: number;
  readonly count: number;
}

export function createThrottle({ clock, limit, windowMs }: ThrottleOptions): Throttle {
  const windows = new Map<string, Window>();
  return {
    attempt(key) {
      const now = clock.monotonic();
      const known = windows.get(key);
      const window = known === undefined || now - known.startedAt >= windowMs ? { startedAt: now, count: 0 } : known;
      if (window.count >= limit) throw tooMany(Math.ceil((window.startedAt + windowMs - now) / 1000));
      windows.set(key, { ...window, count: window.count + 1 });
      if (windows.size > MAX_KEYS) dropOldest(windows);
    },
    succeed(key) {
      const known = windows.get(key);
      if (known !== undefined) windows.set(key, { ...known, count: Math.max(0, known.count - 1) });
    },
  };
}

function tooMany(retryAfterSeconds: number): CodedError {
  return new CodedError("too-many-requests", `too many failed attempts; try again in ${retryAfterSeconds} s`, {
    details: { retryAfterSeconds },
  });
}

function dropOldest(windows: Map<string, Window>): void {
  const oldest = windows.keys().next().value;
  if (oldest !== undefined) windows.delete(oldest);
}
