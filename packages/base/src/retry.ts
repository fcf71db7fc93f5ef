import type { Clock } from "./clock.ts";

/** Exponential back-off with full jitter (each wait is uniform between 0 and the cap of its attempt). */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly attempts: number;
}

/** The wait before attempt `attempt` (1 = before the second try), in milliseconds; `random` is in [0, 1). */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const cap = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(cap * random);
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly random?: () => number;
  /** Whether this failure may pass; others are thrown at once. Default: all may. */
  readonly retryable?: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
}

/** Runs `task` until it succeeds, its failure is final, or the attempts are used up; then throws the last failure. */
export async function retry<T>(task: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const random = options.random ?? Math.random;
  for (let attempt = 1; ; attempt++) {
    try {
      return await task(attempt);
    } catch (error) {
      if (attempt >= options.backoff.attempts || options.signal?.aborted || options.retryable?.(error) === false)
        throw error;
      await options.clock.sleep(backoffMs(options.backoff, attempt, random()), options.signal);
    }
  }
}
