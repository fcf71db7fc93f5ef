import type { Finding } from "../model.ts";
import { packageIdentity } from "../report/identity.ts";

/**
 * The findings with those marked that the baseline had too: the same advisory (by any of its names) in the same package whatever its
 * version, the same secret wherever it lies. Something that was there in one version of a package and is there in the next is not new.
 */
export function markKnown(findings: readonly Finding[], baseline: readonly Finding[] | undefined): readonly Finding[] {
  if (baseline === undefined) return findings;
  const keys = new Set(baseline.flatMap(keysOf));
  return findings.map((finding) =>
    keysOf(finding).some((key) => keys.has(key)) ? { ...finding, known: true } : finding,
  );
}

function keysOf({ kind, id, aliases, purl, fingerprint, location }: Finding): string[] {
  if (kind === "secret") return [`${kind}\n${id}\n${fingerprint ?? location.path}`];
  const of = purl === undefined ? location.path : packageIdentity(purl);
  return [id, ...aliases].map((name) => `${kind}\n${name}\n${of}`);
}
