import { orderOf } from "./ecosystems/orders.ts";
import type { VersionOrder } from "./ecosystems/version-order.ts";
import type { Advisory, AdvisoryStore, Finding, FindingKind, Inventory, Package, Problem, Severity } from "./model.ts";
import { comparingName, namesBinaryPackages, osvEcosystemsOf } from "./osv-names.ts";
import { severityRank } from "./severity.ts";

export interface MatchResult {
  readonly findings: readonly Finding[];
  /** Packages on which nothing can be said, because their version has no place in their ecosystem's order. */
  readonly problems: readonly Problem[];
}

/**
 * What the advisories of `store` say of the packages of `inventory`: OS packages by the source package in their distribution's own
 * stream, language packages by their ecosystem. Advisories that are aliases of one another are one finding. Pure.
 */
export function match(inventory: Inventory, store: AdvisoryStore): MatchResult {
  const findings: Finding[] = [];
  const problems: Problem[] = [];
  for (const item of inventory.packages) {
    const subject = subjectOf(item);
    const advisories = lookup(item, subject.name, store);
    if (advisories.length === 0) continue;
    if (!subject.order.isValid(subject.version)) {
      problems.push(undecidable(item, subject.version));
      continue;
    }
    const affecting = advisories.filter((advisory) => affects(advisory, subject.version, subject.order));
    for (const group of groupAliases(affecting)) findings.push(toFinding(item, subject, group));
  }
  return { findings, problems };
}

/** What advisories are compared with: name, version and the order of versions. */
interface Subject {
  readonly name: string;
  readonly version: string;
  readonly order: VersionOrder;
}

function subjectOf(item: Package): Subject {
  const { name, version } = namesBinaryPackages(item.distro) ? item : (item.source ?? item);
  return { name, version, order: orderOf(item.ecosystem) };
}

function lookup(item: Package, name: string, store: AdvisoryStore): Advisory[] {
  return osvEcosystemsOf(item).flatMap((ecosystem) => store.lookup(ecosystem, comparingName(ecosystem, name)));
}

/** OSV schema, "Evaluation": listed, or in a range (introduced ≤ v < fixed, or ≤ last affected); `0` is below everything. */
export function affects(
  advisory: Pick<Advisory, "ranges" | "versions">,
  version: string,
  order: VersionOrder,
): boolean {
  return (
    advisory.ranges.some((range) => inRange(range, version, order)) ||
    advisory.versions.some((listed) => order.compare(listed, version) === 0)
  );
}

/** Whether `version` lies in one range. */
export function inRange(range: Advisory["ranges"][number], version: string, order: VersionOrder): boolean {
  if (range.introduced !== "0" && order.compare(version, range.introduced) < 0) return false;
  if (range.fixed !== undefined && order.compare(version, range.fixed) >= 0) return false;
  return range.lastAffected === undefined || order.compare(version, range.lastAffected) <= 0;
}

/** Groups of advisories that share an id or alias, directly or through another of them. */
export function groupAliases(advisories: readonly Advisory[]): Advisory[][] {
  const groupOf = new Map<string, Advisory[]>();
  for (const advisory of advisories) {
    const group = [advisory];
    const names = [advisory.id, ...advisory.aliases];
    for (const other of new Set(names.map((name) => groupOf.get(name)))) if (other !== undefined) group.push(...other);
    for (const member of group) for (const name of [member.id, ...member.aliases]) groupOf.set(name, group);
  }
  return [...new Set(groupOf.values())];
}

function toFinding(item: Package, subject: Subject, group: readonly Advisory[]): Finding {
  const names = [
    ...new Set(group.flatMap((advisory) => [advisory.id, ...advisory.aliases, advisory.via ?? advisory.id])),
  ];
  const kind: FindingKind = group.some((advisory) => advisory.kind === "malware") ? "malware" : "vulnerability";
  const id = preferredId(names, kind);
  const fixed = kind === "malware" ? undefined : lowestFixed(group, subject);
  const cvss = highestScore(group);
  const epss = Math.max(...group.map((advisory) => advisory.epss ?? -1));
  const [location = { path: "" }] = item.locations;
  return {
    kind,
    id,
    aliases: names.filter((name) => name !== id).sort(),
    purl: item.purl,
    severity: kind === "malware" ? "critical" : highestSeverity(group),
    ...(cvss === undefined ? {} : { cvss }),
    ...(epss >= 0 ? { epss } : {}),
    ...(fixed === undefined ? {} : { fixed }),
    ...(group.some((advisory) => advisory.exploited) ? { exploited: true } : {}),
    location,
    locations: item.locations,
    sources: [...new Set(group.map((advisory) => advisory.source))].sort(),
  };
}

const ID_PREFERENCE: readonly RegExp[] = [/^CVE-/, /^GHSA-/, /^(?:PYSEC|GO|RUSTSEC)-/, /^(?:DSA|DLA|USN|ALSA)-/];

/** CVE first, then GHSA, then the source's own; for malware its own first. Equal ones by text. */
function preferredId(names: readonly string[], kind: FindingKind): string {
  const preference = kind === "malware" ? [/^MAL-/, ...ID_PREFERENCE] : ID_PREFERENCE;
  const rank = (name: string) => {
    const index = preference.findIndex((pattern) => pattern.test(name));
    return index < 0 ? preference.length : index;
  };
  const [first = ""] = [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return first;
}

/** The lowest version above the installed one that no advisory of the group affects, among those that a fix names. */
function lowestFixed(group: readonly Advisory[], { version, order }: Subject): string | undefined {
  const fixes = new Set(group.flatMap((advisory) => advisory.ranges.map((range) => range.fixed)));
  return [...fixes]
    .filter((fixed): fixed is string => fixed !== undefined && order.compare(fixed, version) > 0)
    .sort(order.compare)
    .find((fixed) => !group.some((advisory) => affects(advisory, fixed, order)));
}

function highestSeverity(group: readonly Advisory[]): Severity {
  return group.reduce<Severity>(
    (worst, { severity }) => (severityRank(severity) > severityRank(worst) ? severity : worst),
    "unknown",
  );
}

function highestScore(group: readonly Advisory[]): number | undefined {
  const scores = group.flatMap(({ cvss }) => (cvss === undefined ? [] : [cvss]));
  return scores.length === 0 ? undefined : Math.max(...scores);
}

function undecidable(item: Package, version: string): Problem {
  const [location] = item.locations;
  return {
    path: location?.path ?? "",
    reason: `unordered-version: ${item.purl} has version "${version.slice(0, 100)}", which cannot be compared with advisories`,
    ...(location?.layer === undefined ? {} : { layer: location.layer }),
  };
}
