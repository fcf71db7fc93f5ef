/** Time as a parameter. The only file that may touch the system's clock and timers. */
export interface Clock {
  /** Milliseconds since the Unix epoch (UTC). May jump when the system's clock is set. */
  now(): number;
  /** Milliseconds on a clock that never jumps; only differences mean something. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};

/** A signal that aborts `ms` from now on the machine's clock or with `parent`; its timer does not keep the process alive. */
export function deadlineSignal(ms: number, parent?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  return parent === undefined ? timeout : AbortSignal.any([timeout, parent]);
}

/** RFC 3339 text in UTC with milliseconds, the form of every time on the wire. */
export function toInstant(ms: number): string {
  return new Date(ms).toISOString();
}
