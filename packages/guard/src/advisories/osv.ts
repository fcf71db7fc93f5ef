import { orderOfOsv } from "../ecosystems/orders.ts";
import type { VersionOrder } from "../ecosystems/version-order.ts";
import { inRange } from "../match.ts";
import type { Advisory } from "../model.ts";
import { comparingName } from "../osv-names.ts";
import { isEcosystem, isKeyPart, keyOf, type StoredRecord } from "./format.ts";
import { checkOsv, type OsvAffected, type OsvDocument } from "./osv-schema.ts";
import { memberOf, rate } from "./osv-severity.ts";
import { sourceOf } from "./source-names.ts";

type Range = Advisory["ranges"][number];

export type OsvReading =
  | {
      readonly kind: "advisory";
      readonly id: string;
      /** As the document says it; not checked to be a date. */
      readonly modified?: string;
      readonly records: readonly { readonly key: string; readonly record: StoredRecord }[];
      readonly problems: readonly string[];
    }
  /** No longer holds: everything known under this id goes. */
  | { readonly kind: "withdrawn"; readonly id: string }
  /** Speaks of maintenance or bugs, not of a vulnerability. */
  | { readonly kind: "not-security"; readonly id: string }
  | { readonly kind: "problem"; readonly reason: string };

/** What the store keeps of an OSV document. Damage is data. */
export function readOsv(value: unknown): OsvReading {
  const checked = checkOsv(value);
  if ("problem" in checked) return { kind: "problem", reason: checked.problem };
  const { document } = checked;
  const { id } = document;
  if (typeof document.withdrawn === "string") return { kind: "withdrawn", id };
  if (!speaksOfSecurity(document)) return { kind: "not-security", id };
  const problems: string[] = [];
  const records = (document.affected ?? []).flatMap((affected) => readAffected(document, affected, problems) ?? []);
  const modified = document.modified ?? undefined;
  return { kind: "advisory", id, records: mergeSameKeys(records), problems, ...(modified ? { modified } : {}) };
}

const CVE = /^CVE-\d{4}-\d{4,}$/;
/** Notices that speak of several vulnerabilities at once; what they name beside themselves is what they cover, not their alias. */
const NOTICE = /^(?:DSA|DLA|DTSA|USN|ALSA|ALBA|ALEA|RLSA|RHSA|ELSA|SUSE)[-:]/;
const BUG_FIX_NOTICE = /^AL[BE]A-/;
const NOT_VULNERABLE = new Set(["unmaintained", "notice"]);

function speaksOfSecurity(document: OsvDocument): boolean {
  if (BUG_FIX_NOTICE.test(document.id) && coveredBy(document).length === 0) return false;
  const affected = document.affected ?? [];
  return (
    affected.length === 0 ||
    !affected.every((entry) => NOT_VULNERABLE.has(String(memberOf(entry.database_specific, "informational"))))
  );
}

function readAffected(
  document: OsvDocument,
  affected: OsvAffected,
  problems: string[],
): { key: string; record: StoredRecord } | undefined {
  const item = affected.package;
  if (!item) return undefined;
  if (!isKeyPart(item.name) || !isEcosystem(item.ecosystem)) {
    problems.push("bad-name: a package's name or ecosystem");
    return undefined;
  }
  const order = orderOfOsv(item.ecosystem);
  const bounds = readRanges(affected, order, (problem) => problems.push(`${problem} (${item.ecosystem} ${item.name})`));
  const versions = (affected.versions ?? []).filter((version) => !isCovered(version, bounds, order));
  if (bounds.length === 0 && versions.length === 0) return undefined;
  const upstream = coveredBy(document);
  const record: StoredRecord = {
    id: document.id,
    aliases: upstream.length > 0 ? [] : [...new Set([...(document.aliases ?? []), ...(document.upstream ?? [])])],
    upstream,
    source: sourceOf(document.id).name,
    kind: isMalware(document, affected) ? "malware" : "vulnerability",
    ...rate(document, affected),
    ranges: bounds,
    versions,
  };
  return { key: keyOf(item.ecosystem, comparingName(item.ecosystem, item.name)), record };
}

/** The CVEs that a notice covers; empty for an advisory on one vulnerability. */
function coveredBy(document: OsvDocument): readonly string[] {
  const upstream = document.upstream ?? [];
  if (!NOTICE.test(document.id)) return upstream.length > 1 ? [...new Set(upstream)] : [];
  const named = [...upstream, ...(document.aliases ?? []), ...(document.related ?? [])];
  return [...new Set(named.filter((id) => CVE.test(id)))];
}

function isMalware(document: OsvDocument, affected: OsvAffected): boolean {
  const categories = memberOf(affected.database_specific, "categories");
  return document.id.startsWith("MAL-") || (Array.isArray(categories) && categories.includes("malicious"));
}

/** Listed versions that a range holds anyway are not kept: they are most of many documents. */
function isCovered(version: string, ranges: readonly Range[], order: VersionOrder | undefined): boolean {
  return order?.isValid(version) === true && ranges.some((range) => inRange(range, version, order));
}

/** The intervals of an affected entry's SEMVER and ECOSYSTEM ranges; GIT ranges are of commits, not of versions. */
function readRanges(
  affected: OsvAffected,
  order: VersionOrder | undefined,
  onProblem: (problem: string) => void,
): Range[] {
  const result: Range[] = [];
  for (const range of affected.ranges ?? []) {
    if (range.type !== "SEMVER" && range.type !== "ECOSYSTEM") continue;
    const events = range.events.flatMap(toEvents);
    const unordered = events.find((event) => event.version !== "0" && order?.isValid(event.version) === false);
    if (unordered !== undefined) onProblem(`unordered-version: "${unordered.version.slice(0, 100)}"`);
    else result.push(...toIntervals(order === undefined ? events : [...events].sort(byVersion(order))));
  }
  return result;
}

interface Event {
  readonly kind: "introduced" | "fixed" | "last-affected";
  readonly version: string;
}

function toEvents(event: { introduced?: string; fixed?: string; last_affected?: string }): Event[] {
  const events: Event[] = [];
  if (event.introduced !== undefined) events.push({ kind: "introduced", version: event.introduced });
  if (event.fixed !== undefined) events.push({ kind: "fixed", version: event.fixed });
  if (event.last_affected !== undefined) events.push({ kind: "last-affected", version: event.last_affected });
  return events;
}

/** `0` stands below every version (OSV schema, "introduced"). */
function byVersion(order: VersionOrder): (a: Event, b: Event) => number {
  return (a, b) => {
    if (a.version === "0" || b.version === "0") return Number(b.version === "0") - Number(a.version === "0");
    return order.compare(a.version, b.version);
  };
}

function toIntervals(events: readonly Event[]): Range[] {
  const ranges: Range[] = [];
  let open: string | undefined;
  for (const { kind, version } of events) {
    if (kind === "introduced") open ??= version;
    else if (open !== undefined) {
      ranges.push(
        kind === "fixed" ? { introduced: open, fixed: version } : { introduced: open, lastAffected: version },
      );
      open = undefined;
    }
  }
  return open === undefined ? ranges : [...ranges, { introduced: open }];
}

/** One document can name a package twice, for two of its branches. */
function mergeSameKeys(
  records: readonly { key: string; record: StoredRecord }[],
): { key: string; record: StoredRecord }[] {
  const byKey = new Map<string, StoredRecord>();
  for (const { key, record } of records) {
    const other = byKey.get(key);
    const merged = other && {
      ...other,
      ranges: [...other.ranges, ...record.ranges],
      versions: [...new Set([...other.versions, ...record.versions])],
    };
    byKey.set(key, merged ?? record);
  }
  return [...byKey].map(([key, record]) => ({ key, record }));
}
