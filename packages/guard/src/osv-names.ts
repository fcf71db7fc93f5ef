import type { EcosystemId, Package } from "./model.ts";

/** Ecosystems whose packages belong to a distribution: what speaks of them depends on its release. */
const OS_ECOSYSTEMS: ReadonlySet<EcosystemId> = new Set<EcosystemId>(["deb", "apk", "rpm", "opkg"]);

/** OSV's name of every ecosystem that has one of its own. */
const OSV_NAMES: Readonly<Partial<Record<EcosystemId, string>>> = {
  npm: "npm",
  pypi: "PyPI",
  go: "Go",
  maven: "Maven",
  cargo: "crates.io",
  nuget: "NuGet",
  rubygems: "RubyGems",
  composer: "Packagist",
  pub: "Pub",
  hex: "Hex",
  swift: "SwiftURL",
  conan: "ConanCenter",
};

/** Repositories of one release of Red Hat Enterprise Linux, each an ecosystem of its own in OSV (named as their CPE ends). */
const RED_HAT_REPOSITORIES: readonly string[] = ["::baseos", "::appstream", "::crb", "::highavailability", "::nfv"];

/** Upstream projects that Bitnami's database knows by the name that our rules give them, and whose versions it writes as upstream does. */
const BITNAMI_NAMES: ReadonlySet<string> = new Set(["nginx", "node", "python", "sqlite"]);

/** Whether packages of `ecosystem` come with an operating system. */
export function isOsEcosystem(ecosystem: EcosystemId): boolean {
  return OS_ECOSYSTEMS.has(ecosystem);
}

/** The OSV ecosystems that speak of a package: its distribution's stream for an OS package (`Debian:12`), none when that is unknown. */
export function osvEcosystemsOf(item: Pick<Package, "ecosystem" | "name" | "distro">): readonly string[] {
  if (item.ecosystem === "binaries") return BITNAMI_NAMES.has(item.name) ? ["Bitnami"] : [];
  if (!isOsEcosystem(item.ecosystem)) return [OSV_NAMES[item.ecosystem] ?? []].flat();
  if (item.distro === undefined) return [];
  if (item.distro.startsWith("Ubuntu:") && !item.distro.endsWith(":LTS")) return [item.distro, `${item.distro}:LTS`];
  if (item.distro.startsWith("Red Hat:")) return RED_HAT_REPOSITORIES.map((repository) => item.distro + repository);
  return [item.distro];
}

/** Whether the advisories of a distribution name the packages that are installed, and not the source packages they are built from. */
export function namesBinaryPackages(distro: string | undefined): boolean {
  return distro !== undefined && /^(?:AlmaLinux|Red Hat):/.test(distro);
}

/** `name` as the OSV ecosystem compares it: PEP 503 for PyPI, without case where its registry knows none, Swift's as host and path. */
export function comparingName(osvEcosystem: string, name: string): string {
  if (osvEcosystem === "PyPI") return name.toLowerCase().replace(/[-_.]+/g, "-");
  if (osvEcosystem === "NuGet" || osvEcosystem === "Packagist") return name.toLowerCase();
  if (osvEcosystem === "SwiftURL") return name.toLowerCase().replace(/^https?:\/\/|\.git$/g, "");
  return name;
}
