import type { Inventory, Package } from "./model.ts";
import { isOsEcosystem } from "./osv-names.ts";

export type Os = NonNullable<Inventory["os"]>;

/** Distributions whose advisories OSV keeps by release, as OSV writes them (OSV schema, "Defined ecosystems"). */
const STREAMS: Readonly<Record<string, (versionId: string) => string | undefined>> = {
  debian: (versionId) => `Debian:${majorOf(versionId)}`,
  ubuntu: (versionId) => `Ubuntu:${versionId}`,
  alpine: (versionId) => /^\d+\.\d+(?=$|\.\d+$)/.exec(versionId)?.[0].replace(/^/, "Alpine:v"),
  wolfi: () => "Wolfi",
  chainguard: () => "Chainguard",
  almalinux: (versionId) => `AlmaLinux:${majorOf(versionId)}`,
  rocky: (versionId) => `Rocky Linux:${majorOf(versionId)}`,
  rhel: (versionId) => `Red Hat:enterprise_linux:${majorOf(versionId)}`,
  "opensuse-leap": (versionId) => `openSUSE:Leap ${versionId}`,
  "opensuse-tumbleweed": () => "openSUSE:Tumbleweed",
};

/** Namespaces of package URLs where they differ from the id in os-release (purl-spec, "rpm"). */
const PURL_NAMESPACES: Readonly<Record<string, string>> = {
  rhel: "redhat",
  "opensuse-leap": "opensuse",
  "opensuse-tumbleweed": "opensuse",
};

function majorOf(versionId: string): string {
  return versionId.split(".")[0] ?? "";
}

/** The operating system that an os-release file (os-release(5)) names, or undefined. */
export function osOf(text: string | undefined): Os | undefined {
  if (text === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(\S*))\s*$/.exec(line);
    if (match?.[1] !== undefined) fields.set(match[1], match[2] ?? match[3] ?? match[4] ?? "");
  }
  const id = fields.get("ID");
  if (id === undefined || !/^[a-z0-9._-]{1,64}$/.test(id)) return undefined;
  const prettyName = fields.get("PRETTY_NAME");
  return {
    id,
    versionId: (fields.get("VERSION_ID") ?? "").slice(0, 64),
    ...(prettyName === undefined ? {} : { prettyName: prettyName.slice(0, 200) }),
  };
}

/** The OSV stream of a distribution's release, or undefined where OSV has none. */
export function distroStream(id: string, versionId: string): string | undefined {
  return versionId === "" || !Object.hasOwn(STREAMS, id) ? undefined : STREAMS[id]?.(versionId);
}

/** `found` with its distribution's advisory stream and purl, when it is an OS package: its database alone does not say whose it is. */
export function withDistro(found: Package, os: Os | undefined): Package {
  if (!isOsEcosystem(found.ecosystem) || os === undefined) return found;
  const namespace = Object.hasOwn(PURL_NAMESPACES, os.id) ? (PURL_NAMESPACES[os.id] ?? os.id) : os.id;
  const purl = withQualifier(
    found.purl.replace(/^(pkg:[a-z]+)\/[^/]+\//, `$1/${namespace}/`),
    os.versionId === "" ? undefined : `distro=${os.id}-${encodeURIComponent(os.versionId.toWellFormed())}`,
  );
  const stream = distroStream(os.id, os.versionId);
  return { ...found, purl, ...(stream === undefined ? {} : { distro: stream }) };
}

/** Qualifiers stand in the order of their names (purl-spec); all others are of the extractors. */
function withQualifier(purl: string, qualifier: string | undefined): string {
  if (qualifier === undefined) return purl;
  const [base = "", qualifiers = ""] = purl.split("?", 2);
  return `${base}?${[...qualifiers.split("&").filter((item) => item !== ""), qualifier].sort().join("&")}`;
}
