import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";

/** A token is not used in its last minute. */
const MARGIN_MS = 60_000;
const ASK_AGAIN_MS = 5000;
const DEADLINE_MS = 120_000;

/** Tokens for the registry, asked for over the link when they are needed. */
export interface Tokens {
  /** A token that is good for at least a minute; waits for the link. Throws `token-unavailable` after two minutes. */
  current(signal: AbortSignal): Promise<string>;
  /** The registry refused this token: the next call gets another. */
  forget(token: string): void;
  /** From the link: a connection was welcomed at this server time. */
  connected(serverTime: string): void;
  granted(grant: { readonly token: string; readonly expiresAt: string }): void;
}

export interface TokensOptions {
  readonly clock: Clock;
  /** Sends a token request; false when there is no connection. */
  request(): boolean;
}

/** The device's clock may be wrong, so lifetimes are counted on the server's time carried forward by the monotonic clock. */
export function createTokens(options: TokensOptions): Tokens {
  const { clock, request } = options;
  let serverOffsetMs: number | undefined;
  let held: { readonly token: string; readonly goodUntilMs: number } | undefined;
  let waiting: (() => void)[] = [];
  const fresh = () => (held !== undefined && clock.monotonic() < held.goodUntilMs ? held.token : undefined);
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  return {
    async current(signal) {
      const startedMs = clock.monotonic();
      for (;;) {
        signal.throwIfAborted();
        const token = fresh();
        if (token !== undefined) return token;
        if (clock.monotonic() - startedMs > DEADLINE_MS)
          throw new CodedError("token-unavailable", "the server gave no registry token; the device is not connected");
        request();
        const ask = new AbortController();
        const granted = new Promise<void>((resolve) => waiting.push(resolve));
        const again = clock.sleep(ASK_AGAIN_MS, AbortSignal.any([ask.signal, signal])).catch(() => undefined);
        await Promise.race([granted, again]);
        ask.abort();
      }
    },
    forget(token) {
      if (held?.token === token) held = undefined;
    },
    connected(serverTime) {
      const serverMs = Date.parse(serverTime);
      serverOffsetMs = Number.isFinite(serverMs) ? serverMs - clock.monotonic() : undefined;
      wake();
    },
    granted({ token, expiresAt }) {
      const expiresMs = Date.parse(expiresAt) - (serverOffsetMs ?? clock.now() - clock.monotonic());
      if (Number.isFinite(expiresMs)) held = { token, goodUntilMs: expiresMs - MARGIN_MS };
      wake();
    },
  };
}
