/** Whose data an advisory is. */
export interface SourceName {
  readonly name: string;
  /** SPDX expression of the data's licence, where it is known. */
  readonly licence?: string;
}

/** Databases by the prefix of their ids (OSV schema, "id, modified fields"). */
const SOURCES: readonly (readonly [prefix: string, source: SourceName])[] = [
  ["GO-", { name: "Go vulnerability database", licence: "CC-BY-4.0" }],
  ["PYSEC-", { name: "PyPA advisory database", licence: "CC-BY-4.0" }],
  ["RUSTSEC-", { name: "RustSec advisory database", licence: "CC0-1.0" }],
  ["GHSA-", { name: "GitHub advisory database", licence: "CC-BY-4.0" }],
  ["MAL-", { name: "OpenSSF malicious packages", licence: "Apache-2.0" }],
  ["BIT-", { name: "Bitnami vulnerability database", licence: "Apache-2.0" }],
  ["ALSA-", { name: "AlmaLinux OSV database", licence: "MIT" }],
  ["ALBA-", { name: "AlmaLinux OSV database", licence: "MIT" }],
  ["ALEA-", { name: "AlmaLinux OSV database", licence: "MIT" }],
  ["RJS-", { name: "Retire.js", licence: "Apache-2.0" }],
  ["NSWG-ECO-", { name: "Node.js security working group", licence: "MIT" }],
  ["DEBIAN-", { name: "Debian security tracker" }],
  ["DSA-", { name: "Debian security tracker" }],
  ["DLA-", { name: "Debian security tracker" }],
  ["DTSA-", { name: "Debian security tracker" }],
  ["UBUNTU-", { name: "Ubuntu security notices", licence: "CC-BY-SA-4.0" }],
  ["USN-", { name: "Ubuntu security notices", licence: "CC-BY-SA-4.0" }],
  ["ALPINE-", { name: "Alpine security database" }],
  ["WOLFI-", { name: "Wolfi security database" }],
  ["CHAINGUARD-", { name: "Chainguard security database" }],
  ["OSV-", { name: "OSS-Fuzz", licence: "CC-BY-4.0" }],
];

/** Probabilities of exploitation by FIRST, who asks for attribution and names no licence. */
export const EPSS_SOURCE: SourceName = { name: "EPSS by FIRST" };

/** The catalogue of known exploited vulnerabilities. */
export const KEV_SOURCE: SourceName = { name: "CISA known exploited vulnerabilities", licence: "CC0-1.0" };

/** Databases whose terms forbid to pass their data on: a store that holds any could not be mirrored. */
const NOT_REDISTRIBUTABLE = /^(?:SNYK-|npm:[^:]+:\d{8}$|VULNDB-|PRISMA-|SONATYPE-|VULNCHECK-)/i;

/** Whether the advisory `id` is of a database that must not be passed on. */
export function forbidsRedistribution(id: string): boolean {
  return NOT_REDISTRIBUTABLE.test(id);
}

/** The source of the advisory `id`; for an unknown one, the prefix of the id up to its first digit. */
export function sourceOf(id: string): SourceName {
  const known = SOURCES.find(([prefix]) => id.startsWith(prefix));
  if (known !== undefined) return known[1];
  const [prefix] = id.split(/[-:]?\d/, 1);
  return { name: prefix === undefined || prefix === "" ? "unnamed" : prefix };
}

/** Licence of the source `name`, where it is known. */
export function licenceOf(name: string): string | undefined {
  if (name === KEV_SOURCE.name) return KEV_SOURCE.licence;
  return SOURCES.find(([, source]) => source.name === name)?.[1].licence;
}
