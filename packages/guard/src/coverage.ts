import type { AdvisoryStore, EcosystemId, Inventory, Package, Scanner } from "./model.ts";
import { osvEcosystemsOf } from "./osv-names.ts";

const SCANNER_NAMES: Readonly<Record<Scanner, string>> = {
  inventory: "packages",
  vulnerability: "vulnerabilities and malware",
  secret: "secrets",
};

const ECOSYSTEM_NAMES: Readonly<Record<EcosystemId, string>> = {
  npm: "npm",
  pypi: "PyPI",
  deb: "Debian",
  go: "Go",
  apk: "Alpine",
  opkg: "opkg",
  rpm: "RPM",
  maven: "Maven",
  cargo: "crates.io",
  nuget: "NuGet",
  rubygems: "RubyGems",
  composer: "Packagist",
  pub: "Pub",
  hex: "Hex",
  swift: "Swift",
  conan: "Conan",
  cocoapods: "CocoaPods",
  binaries: "binaries without a package",
};

/** What a report on `inventory` cannot speak of, in sentences: scanners switched off, packages without an advisory source. */
export function coverageGaps(inventory: Inventory, store: AdvisoryStore, scanners: readonly Scanner[]): string[] {
  const off = (Object.keys(SCANNER_NAMES) as Scanner[])
    .filter((scanner) => !scanners.includes(scanner) && !isImplied(scanner, scanners))
    .map((scanner) => `Not looked for: ${SCANNER_NAMES[scanner]} (scanner "${scanner}" is off).`);
  const met = [...off, ...(inventory.notCovered ?? [])];
  return scanners.includes("vulnerability") ? [...met, ...uncovered(inventory.packages, store)] : met;
}

/** Vulnerabilities cannot be looked for without looking for packages. */
function isImplied(scanner: Scanner, scanners: readonly Scanner[]): boolean {
  return scanner === "inventory" && scanners.includes("vulnerability");
}

function uncovered(packages: readonly Package[], store: AdvisoryStore): string[] {
  const missing = new Map<string, number>();
  for (const item of packages) {
    const streams = osvEcosystemsOf(item);
    if (streams.some((stream) => store.covers?.(stream) ?? true)) continue;
    const label = item.distro ?? ECOSYSTEM_NAMES[item.ecosystem];
    missing.set(label, (missing.get(label) ?? 0) + 1);
  }
  return [...missing]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([label, count]) =>
        `${count} ${count === 1 ? "package" : "packages"} of ${label} could not be matched: the advisory store has no source for them (flotilla db import).`,
    );
}
