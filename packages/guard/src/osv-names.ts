import type { EcosystemId, Package } from "./model.ts";

const OSV_NAMES: Readonly<Record<Exclude<EcosystemId, "deb">, string>> = { npm: "npm", pypi: "PyPI", go: "Go" };

/** The OSV ecosystems that speak of a package: its distribution's stream for an OS package (`Debian:12`), none when that is unknown. */
export function osvEcosystemsOf(item: Pick<Package, "ecosystem" | "distro">): readonly string[] {
  if (item.ecosystem !== "deb") return [OSV_NAMES[item.ecosystem]];
  if (item.distro === undefined) return [];
  return item.distro.startsWith("Ubuntu:") && !item.distro.endsWith(":LTS")
    ? [item.distro, `${item.distro}:LTS`]
    : [item.distro];
}

/** `name` as the OSV ecosystem compares it (PEP 503 for PyPI). */
export function comparingName(osvEcosystem: string, name: string): string {
  return osvEcosystem === "PyPI" ? name.toLowerCase().replace(/[-_.]+/g, "-") : name;
}
