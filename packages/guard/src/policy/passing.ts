import { orderOf } from "../ecosystems/orders.ts";
import type { Finding } from "../model.ts";
import { ECOSYSTEM_OF_PURL_TYPE } from "../purl-types.ts";

/** Which version of a package has none of the findings that block it: the highest of their fixes, or none while one has no fix. */
export type Passing = { readonly kind: "version"; readonly version: string } | { readonly kind: "none" };

/** For each package that `blocked` speaks of, by package URL. */
export function passingVersions(blocked: readonly Finding[]): ReadonlyMap<string, Passing> {
  const result = new Map<string, Passing>();
  for (const { purl, fixed } of blocked) {
    if (purl === undefined) continue;
    const known = result.get(purl);
    if (fixed === undefined || known?.kind === "none") result.set(purl, { kind: "none" });
    else
      result.set(purl, { kind: "version", version: known === undefined ? fixed : later(purl, known.version, fixed) });
  }
  return result;
}

function later(purl: string, a: string, b: string): string {
  const type = /^pkg:([^/]+)\//.exec(purl)?.[1] ?? "";
  const ecosystem = Object.hasOwn(ECOSYSTEM_OF_PURL_TYPE, type) ? ECOSYSTEM_OF_PURL_TYPE[type] : undefined;
  if (ecosystem === undefined) return b;
  return orderOf(ecosystem).compare(a, b) >= 0 ? a : b;
}
