import type { Clock } from "@flotilla/base/clock";

export interface AdmissionOptions {
  readonly clock: Clock;
  /** Connections admitted in a second, in the long run. */
  readonly perSecond: number;
  /** Connections admitted at once after a quiet time. */
  readonly burst: number;
  readonly random?: () => number;
}

/** Turns a storm of connections into a ramp. */
export interface Admission {
  /** Undefined when the connection may go on, else in how many milliseconds to come back. */
  admit(): number | undefined;
}

/** Each connection that is turned away gets a later turn than the one before it, so that they do not all come back together. */
export function createAdmission({ clock, perSecond, burst, random = Math.random }: AdmissionOptions): Admission {
  const gapMs = 1000 / perSecond;
  let tokens = burst;
  let filledAt = clock.monotonic();
  let promisedAt = 0;
  return {
    admit() {
      const now = clock.monotonic();
      tokens = Math.min(burst, tokens + (now - filledAt) / gapMs);
      filledAt = now;
      if (tokens >= 1) {
        tokens -= 1;
        return undefined;
      }
      promisedAt = Math.max(promisedAt, now) + gapMs;
      return Math.ceil((promisedAt - now) * (1 + random() / 2));
    },
  };
}
