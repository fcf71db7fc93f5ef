import { type Backoff, backoffMs } from "@flotilla/base/retry";
import type { Link } from "../ports.ts";
import { type ConnectionOptions, runConnection } from "./connection.ts";
import { createTokens, type Tokens } from "./tokens.ts";

const RECONNECT: Backoff = { firstMs: 2000, maxMs: 120_000, attempts: Number.POSITIVE_INFINITY };
/** A device that was refused for good still asks now and then: a person may change their mind. */
const REFUSED_MIN_MS = 60_000;
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;
/** A connection must have lasted so long before the next failure counts as the first. */
const STABLE_MS = 60_000;
const FINAL_CODES = ["device-revoked", "revoked", "device-unknown", "protocol-unsupported"];

export interface LinkOptions extends ConnectionOptions {
  readonly random?: () => number;
}

/** The device's connection to its server, with the registry tokens that come over it. */
export interface ServerLink extends Link {
  readonly tokens: Tokens;
}

/** A link that connects again by itself, with full jitter, and not before the server wants it to. */
export function createLink(options: LinkOptions): ServerLink {
  const { clock, log } = options;
  const random = options.random ?? Math.random;
  let sender: ((message: Parameters<Link["send"]>[0]) => boolean) | undefined;
  const send: Link["send"] = (message) => sender?.(message) ?? false;
  const tokens = createTokens({ clock, request: () => send({ type: "token-request" }) });
  return {
    tokens,
    send,
    async run(handlers, signal) {
      for (let failures = 1; !signal.aborted; failures++) {
        const ending = await runConnection(
          options,
          {
            targetVersion: () => handlers.targetVersion(),
            welcomed(welcome, sendNow) {
              sender = sendNow;
              tokens.connected(welcome.serverTime);
              handlers.connected(welcome);
            },
            message(message) {
              if (message.type === "token") tokens.granted(message);
              else handlers.message(message);
            },
          },
          signal,
        );
        sender = undefined;
        if (ending.welcomeForMs >= STABLE_MS) failures = 1;
        handlers.disconnected(ending.reason);
        if (signal.aborted) return;
        const waitMs = waitAfter(ending, failures, random());
        log.info({ reason: ending.reason, code: ending.code, retryInMs: waitMs }, "not connected to the server");
        await clock.sleep(waitMs, signal).catch(() => undefined);
      }
    },
  };
}

/** Milliseconds before the next attempt. */
export function waitAfter(
  ending: { readonly code?: string; readonly retryAfterMs?: number },
  failures: number,
  random: number,
): number {
  const jittered = backoffMs(RECONNECT, failures, random);
  if (ending.retryAfterMs !== undefined) return Math.min(ending.retryAfterMs, MAX_RETRY_AFTER_MS) + jittered;
  return FINAL_CODES.includes(ending.code ?? "") ? REFUSED_MIN_MS + jittered : jittered;
}
