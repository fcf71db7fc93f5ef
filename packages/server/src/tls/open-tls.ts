import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { createSecureContext } from "node:tls";
import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import type { Settings } from "../config.ts";
import { isLoopback } from "../http/address.ts";
import { LEAF_DAYS, openOwnAuthority } from "./own-authority.ts";
import type { KeyPair, ServerTls } from "./server-tls.ts";

/** How often a given certificate is read again, and the age of our own looked at. */
const CHECK_INTERVAL_MS = 3_600_000;
/** A certificate of our own is replaced when so little of its life is left. */
const RENEW_LEFT_MS = (LEAF_DAYS / 3) * 86_400_000;

interface TlsOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the renewal. */
  readonly signal: AbortSignal;
}

/** TLS as the settings say; undefined for a server that listens in clear. */
export async function openTls(options: TlsOptions): Promise<ServerTls | undefined> {
  const { settings, clock } = options;
  switch (settings.tls.kind) {
    case "clear":
      return undefined;
    case "given": {
      const { certFile, keyFile } = settings.tls;
      return keepFresh(options, {
        authority: undefined,
        first: readGiven(certFile, keyFile),
        next: async () => readGiven(certFile, keyFile),
      });
    }
    case "own-authority": {
      const authority = await openOwnAuthority(settings.dataDir, clock.now());
      const names = namesOf(settings);
      return keepFresh(options, {
        authority: { pem: authority.pem, fingerprint: authority.fingerprint },
        first: await authority.issue(names, clock.now()),
        next: async (pair) => (leftMs(pair, clock) > RENEW_LEFT_MS ? pair : authority.issue(names, clock.now())),
      });
    }
  }
}

interface Source {
  readonly authority: { readonly pem: string; readonly fingerprint: string } | undefined;
  readonly first: KeyPair;
  /** The pair to use from now on; the same one when it still serves. */
  readonly next: (pair: KeyPair) => Promise<KeyPair>;
}

function keepFresh({ clock, log, signal }: TlsOptions, source: Source): ServerTls {
  let pair = source.first;
  const users = new Set<(pair: KeyPair) => void>();
  const renew = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(CHECK_INTERVAL_MS, signal);
      try {
        const next = await source.next(pair);
        if (next.cert === pair.cert && next.key === pair.key) continue;
        pair = next;
        for (const use of users) use(pair);
        log.info({ validTo: new X509Certificate(pair.cert).validTo }, "certificate renewed");
      } catch (error) {
        // The old pair still serves; an operator must look before it ends.
        log.warn({ error }, "certificate not renewed");
      }
    }
  };
  renew().catch((error: unknown) => {
    if (!signal.aborted) log.error({ error }, "certificate renewal ended");
  });
  return {
    current: () => pair,
    onRenewal(use) {
      users.add(use);
      return () => users.delete(use);
    },
    caFingerprint: source.authority?.fingerprint,
    caPem: source.authority?.pem,
  };
}

function readGiven(certFile: string, keyFile: string): KeyPair {
  try {
    const pair = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
    // Throws when key and certificate do not belong together.
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    throw new CodedError("invalid-configuration", `tls-cert ${certFile} and tls-key ${keyFile} cannot be used`, {
      cause,
    });
  }
}

function leftMs(pair: KeyPair, clock: Clock): number {
  return new X509Certificate(pair.cert).validToDate.getTime() - clock.now();
}

/** Every name that a client may use: the public URL's, the host's, and the addresses it listens on. */
function namesOf({ publicUrl, listen }: Settings): readonly string[] {
  const names = new Set(["localhost", "127.0.0.1", "::1"]);
  if (publicUrl !== undefined) names.add(new URL(publicUrl).hostname.replace(/^\[|\]$/g, ""));
  if (isLoopback(listen.host)) return [...names];
  names.add(hostname());
  const everywhere = listen.host === "0.0.0.0" || listen.host === "::";
  if (!everywhere) names.add(listen.host);
  else
    for (const { address, internal } of Object.values(networkInterfaces()).flatMap((list) => list ?? []))
      if (!internal) names.add(address.replace(/%.*/, ""));
  return [...names];
}
