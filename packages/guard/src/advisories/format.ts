import { crc32 } from "node:zlib";
import type { Advisory, SourceInfo } from "../model.ts";

/**
 * The store is one file, read whole and decoded lazily:
 *
 *     magic (8 bytes) · format (u32) · length of the header (u32) · header · blocks · filter
 *
 * Integers are little-endian. Header and blocks are zstd frames with their content checksum on. A block is text: one line per package,
 * `\n<ecosystem>\t<name>\t<JSON array of records>`, lines sorted by key across all blocks, so that a package is found by a binary search
 * over the first keys of the blocks. The filter is a Bloom filter over the keys: most packages have no advisory and cost no decoding.
 */
export const MAGIC: Buffer = Buffer.from("FLTADVIS", "latin1");
export const FORMAT = 1;
/** Magic, format and length of the header. */
export const PREFIX_BYTES = 16;

export interface BlockInfo {
  readonly firstKey: string;
  /** From the end of the header. */
  readonly offset: number;
  readonly length: number;
  readonly rawLength: number;
}

/** The header, as JSON. Everything that must be known before the first lookup, and no more. */
export interface StoreHeader {
  readonly sources: readonly SourceInfo[];
  /** Number of packages with advisories by OSV ecosystem. */
  readonly ecosystems: Readonly<Record<string, number>>;
  readonly blocks: readonly (readonly [firstKey: string, length: number, rawLength: number])[];
  readonly filter: { readonly bytes: number; readonly hashes: number; readonly crc32: number };
  /** CVE ids in a catalogue of known exploited vulnerabilities, sorted. */
  readonly exploited: readonly string[];
  /** Probability of exploitation by CVE id, of those that this store has advisories about. */
  readonly epss?: Readonly<Record<string, number>>;
}

/** What the store keeps of one advisory about one package; the CVEs that one notice covers (`upstream`) become one {@link Advisory} each. */
export interface StoredRecord {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly upstream: readonly string[];
  readonly source: string;
  readonly kind: Advisory["kind"];
  readonly severity: Advisory["severity"];
  readonly cvss?: number;
  /** The severity was taken from another source's record of the same CVE; computed anew with every import. */
  readonly severityBorrowed?: boolean;
  readonly ranges: Advisory["ranges"];
  readonly versions: readonly string[];
}

/** The key of a package: control characters cannot stand in it, which {@link isKeyPart} sees to. */
export function keyOf(ecosystem: string, name: string): string {
  return `${ecosystem}\t${name}`;
}

const MAX_KEY_PART = 512;

/** Whether `text` can be part of a key. */
export function isKeyPart(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  return text !== "" && text.length <= MAX_KEY_PART && !/[\u0000-\u001f\u007f]/.test(text);
}

/** Whether `text` can be an OSV ecosystem: a word with an optional release (`Debian:12`, `Ubuntu:22.04:LTS`, `crates.io`). */
export function isEcosystem(text: string): boolean {
  return text.length <= MAX_KEY_PART && /^[A-Za-z][A-Za-z0-9.]*(?:(?:::|[: _-])[A-Za-z0-9._+-]+)*$/.test(text);
}

/** Positions in a filter of `bits` bits for `key`, by double hashing. */
export function filterPositions(key: string, bits: number, hashes: number): number[] {
  const first = crc32(key);
  const second = (crc32(`${key}\u0001`, 0x9e3779b9) | 1) >>> 0;
  return Array.from({ length: hashes }, (_, index) => (first + index * second) % bits);
}

const SEVERITY_CODES = ["unknown", "low", "medium", "high", "critical"] as const;

type RangeCode = readonly [introduced: string, fixed?: string | 0, lastAffected?: string];
type RecordCode = readonly [
  id: string,
  aliases: readonly string[],
  upstream: readonly string[],
  source: number,
  flags: number,
  cvss: number,
  ranges: readonly RangeCode[],
  versions: readonly string[],
];

const MALWARE = 8;
const BORROWED = 16;
const SEVERITY_MASK = 7;

/** A record as a JSON array; `sourceIndex` is its position among the header's sources. */
export function encodeRecord(record: StoredRecord, sourceIndex: number): string {
  const flags =
    SEVERITY_CODES.indexOf(record.severity) |
    (record.kind === "malware" ? MALWARE : 0) |
    (record.severityBorrowed ? BORROWED : 0);
  const code: RecordCode = [
    record.id,
    record.aliases,
    record.upstream,
    sourceIndex,
    flags,
    record.cvss ?? -1,
    record.ranges.map(encodeRange),
    record.versions,
  ];
  return JSON.stringify(code);
}

/** The records of one line's JSON. The text comes from a checksummed block that {@link encodeRecord} wrote. */
export function decodeRecords(json: string, sources: readonly SourceInfo[]): StoredRecord[] {
  return (JSON.parse(json) as RecordCode[]).map(([id, aliases, upstream, source, flags, cvss, ranges, versions]) => ({
    id,
    aliases,
    upstream,
    source: sources[source]?.name ?? "unknown",
    kind: flags & MALWARE ? "malware" : "vulnerability",
    severity: SEVERITY_CODES[flags & SEVERITY_MASK] ?? "unknown",
    ...(cvss >= 0 ? { cvss } : {}),
    ...(flags & BORROWED ? { severityBorrowed: true } : {}),
    ranges: ranges.map(decodeRange),
    versions,
  }));
}

function encodeRange(range: Advisory["ranges"][number]): RangeCode {
  if (range.lastAffected !== undefined) return [range.introduced, range.fixed ?? 0, range.lastAffected];
  return range.fixed === undefined ? [range.introduced] : [range.introduced, range.fixed];
}

function decodeRange([introduced, fixed, lastAffected]: RangeCode): Advisory["ranges"][number] {
  return {
    introduced,
    ...(typeof fixed === "string" ? { fixed } : {}),
    ...(lastAffected === undefined ? {} : { lastAffected }),
  };
}
