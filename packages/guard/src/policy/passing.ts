import { orderOf } from "../ecosystems/orders.ts";
import type { EcosystemId, Finding } from "../model.ts";

/** Which version of a package has none of the findings that block it: the highest of their fixes, or none while one has no fix. */
export type Passing = { readonly kind: "version"; readonly version: string } | { readonly kind: "none" };

const ECOSYSTEMS: Readonly<Record<string, EcosystemId>> = {
  npm: "npm",
  pypi: "pypi",
  deb: "deb",
  golang: "go",
  apk: "apk",
  opkg: "opkg",
  rpm: "rpm",
  maven: "maven",
  cargo: "cargo",
  nuget: "nuget",
  gem: "rubygems",
  composer: "composer",
  pub: "pub",
  hex: "hex",
  swift: "swift",
  conan: "conan",
  cocoapods: "cocoapods",
  generic: "binaries",
};

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
  const ecosystem = Object.hasOwn(ECOSYSTEMS, type) ? ECOSYSTEMS[type] : undefined;
  if (ecosystem === undefined) return b;
  return orderOf(ecosystem).compare(a, b) >= 0 ? a : b;
}
