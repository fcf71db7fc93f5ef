import type { Severity, SourceInfo } from "../model.ts";
import { severityRank } from "../severity.ts";
import type { StoredRecord } from "./format.ts";
import type { OsvReading } from "./osv.ts";
import { EPSS_SOURCE, KEV_SOURCE, licenceOf, sourceOf } from "./source-names.ts";
import type { OpenedStore } from "./store.ts";
import type { StoreContent } from "./write.ts";

/** Gathers what goes into a store: advisories replace those of the same id, withdrawn ones go. */
export interface StoreBuilder {
  /** Starts from everything in `store`. */
  include(store: OpenedStore): void;
  /** Adds one document's reading; `dataMs` is the age of the data where the document does not say. */
  add(reading: Extract<OsvReading, { kind: "advisory" | "withdrawn" }>, dataMs: number): void;
  /** Drops every advisory whose id begins with `prefix`: a catalogue says anew all that it knows. */
  forget(prefix: string): void;
  /** Sets the CVEs that are known to be exploited. */
  setExploited(ids: readonly string[], asOfMs: number): void;
  /** Sets how probable the exploitation of CVEs is. */
  setEpss(scores: ReadonlyMap<string, number>, asOfMs: number): void;
  finish(): StoreContent;
}

interface Gathered {
  /** key → records, each id once. */
  readonly packages: Map<string, StoredRecord[]>;
  /** id → its key or keys, for replacing and withdrawing. Most have one, and there are very many. */
  readonly keysOf: Map<string, string | string[]>;
  /** Source name → newest date that a document says. */
  readonly newestMs: Map<string, number>;
  /** The same by the dates of files, for sources whose documents say none. */
  readonly newestFileMs: Map<string, number>;
  exploited: readonly string[];
  epss: ReadonlyMap<string, number>;
}

/** `latestMs`: dates after this are not believed. */
export function createStoreBuilder(latestMs: number): StoreBuilder {
  const state: Gathered = {
    packages: new Map(),
    keysOf: new Map(),
    newestMs: new Map(),
    newestFileMs: new Map(),
    exploited: [],
    epss: new Map(),
  };
  return {
    include: (store) => include(state, store),
    add: (reading, dataMs) => add(state, reading, dataMs, latestMs),
    forget: (prefix) => {
      for (const id of [...state.keysOf.keys()]) if (id.startsWith(prefix)) remove(state, id);
    },
    setExploited: (ids, asOfMs) => {
      state.exploited = [...new Set(ids)].sort();
      note(state.newestMs, KEV_SOURCE.name, Math.min(asOfMs, latestMs));
    },
    setEpss: (scores, asOfMs) => {
      state.epss = scores;
      note(state.newestMs, EPSS_SOURCE.name, Math.min(asOfMs, latestMs));
    },
    finish: () => finish(state),
  };
}

function include(state: Gathered, store: OpenedStore): void {
  for (const { key, records } of store.records()) for (const record of records) put(state, key, ownSeverity(record));
  for (const { name, asOf } of store.sources) note(state.newestMs, name, Date.parse(asOf));
  state.exploited = store.exploited;
  state.epss = new Map(Object.entries(store.epss));
}

function add(
  state: Gathered,
  reading: Extract<OsvReading, { kind: "advisory" | "withdrawn" }>,
  dataMs: number,
  latestMs: number,
): void {
  remove(state, reading.id);
  if (reading.kind === "withdrawn") return;
  for (const { key, record } of reading.records) put(state, key, record);
  const { name } = sourceOf(reading.id);
  const modifiedMs = believable(reading.modified, latestMs);
  if (modifiedMs === undefined) note(state.newestFileMs, name, Math.min(dataMs, latestMs));
  else note(state.newestMs, name, modifiedMs);
}

function put(state: Gathered, key: string, record: StoredRecord): void {
  const records = state.packages.get(key);
  if (records === undefined) state.packages.set(key, [record]);
  else records.push(record);
  const keys = state.keysOf.get(record.id);
  if (Array.isArray(keys)) keys.push(key);
  else state.keysOf.set(record.id, keys === undefined ? key : [keys, key]);
}

function remove(state: Gathered, id: string): void {
  for (const key of [state.keysOf.get(id) ?? []].flat()) {
    const rest = state.packages.get(key)?.filter((record) => record.id !== id) ?? [];
    if (rest.length === 0) state.packages.delete(key);
    else state.packages.set(key, rest);
  }
  state.keysOf.delete(id);
}

function note(newest: Map<string, number>, name: string, ms: number): void {
  if (Number.isFinite(ms)) newest.set(name, Math.max(ms, newest.get(name) ?? 0));
}

/** No advisory database is older than CVE; some exports write the year 1 where they know no date. */
const EARLIEST_MS = Date.UTC(1999, 0, 1);

function believable(instant: string | undefined, latestMs: number): number | undefined {
  const ms = Date.parse(instant ?? "");
  return ms >= EARLIEST_MS && ms <= latestMs ? ms : undefined;
}

function finish(state: Gathered): StoreContent {
  const known = severitiesByCve(state.packages);
  const keys = [...state.packages.keys()].sort();
  return {
    sources: describeSources(state),
    exploited: state.exploited,
    epss: probabilitiesOf(state),
    packages: keys.map((key) => ({
      key,
      records: [...(state.packages.get(key) ?? [])]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((record) => borrowSeverity(record, known)),
    })),
  };
}

function describeSources(state: Gathered): SourceInfo[] {
  const ids = new Map<string, Set<string>>();
  for (const records of state.packages.values())
    for (const { id, source } of records) {
      const seen = ids.get(source) ?? new Set();
      if (seen.size === 0) ids.set(source, seen);
      seen.add(id);
    }
  const counts = [...ids].map(([name, seen]) => [name, seen.size] as const);
  if (state.epss.size > 0) counts.push([EPSS_SOURCE.name, state.epss.size]);
  if (state.exploited.length > 0) counts.push([KEV_SOURCE.name, state.exploited.length]);
  return counts
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => {
      const licence = licenceOf(name);
      const asOf = new Date(state.newestMs.get(name) ?? state.newestFileMs.get(name) ?? 0).toISOString();
      return { name, asOf, count, ...(licence === undefined ? {} : { licence }) };
    });
}

/** Of the CVEs that the store speaks of: all others are of no use to it. */
function probabilitiesOf(state: Gathered): Readonly<Record<string, number>> {
  if (state.epss.size === 0) return {};
  const named = new Set<string>();
  for (const records of state.packages.values())
    for (const { id, aliases, upstream } of records)
      for (const name of [id, ...aliases, ...upstream]) if (state.epss.has(name)) named.add(name);
  return Object.fromEntries([...named].sort().map((name) => [name, state.epss.get(name) ?? 0]));
}

interface Known {
  readonly severity: Severity;
  readonly cvss: number;
}

/** The highest CVSS score that any source gives a CVE; words are a source's own view of its own package and are not lent. */
function severitiesByCve(packages: Gathered["packages"]): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const records of packages.values())
    for (const { id, aliases, cvss, severity, upstream } of records) {
      if (cvss === undefined || upstream.length > 0) continue;
      for (const name of [id, ...aliases])
        if (name.startsWith("CVE-") && cvss > (known.get(name)?.cvss ?? -1)) known.set(name, { severity, cvss });
    }
  return known;
}

/** Some databases (Go's for one) rate nothing: the same CVE's rating by another source is better than none. */
function borrowSeverity(record: StoredRecord, known: ReadonlyMap<string, Known>): StoredRecord {
  if (record.severity !== "unknown" || record.kind === "malware" || record.upstream.length > 0) return record;
  const [best] = [record.id, ...record.aliases]
    .flatMap((name) => known.get(name) ?? [])
    .sort((a, b) => severityRank(b.severity) - severityRank(a.severity) || b.cvss - a.cvss);
  return best === undefined ? record : { ...record, ...best, severityBorrowed: true };
}

function ownSeverity(record: StoredRecord): StoredRecord {
  if (!record.severityBorrowed) return record;
  const { severityBorrowed: _, cvss: __, ...rest } = record;
  return { ...rest, severity: "unknown" };
}
