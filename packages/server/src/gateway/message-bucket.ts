import type { Clock } from "@flotilla/base/clock";

/** Messages of one device in the long run, and at once. */
const PER_SECOND = 5;
const BURST = 60;

/** A bound on how often one device may speak. */
export interface Bucket {
  /** False when it has spoken too often. */
  take(): boolean;
}

export function createBucket(clock: Clock): Bucket {
  let tokens = BURST;
  let filledAt = clock.monotonic();
  return {
    take() {
      const now = clock.monotonic();
      tokens = Math.min(BURST, tokens + ((now - filledAt) / 1000) * PER_SECOND);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
