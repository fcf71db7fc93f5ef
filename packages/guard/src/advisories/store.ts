import { readFileSync } from "node:fs";
import { crc32, zstdDecompressSync } from "node:zlib";
import { CodedError, messageOf } from "@flotilla/base/errors";
import type { Advisory, AdvisoryStore, SourceInfo } from "../model.ts";
import {
  decodeRecords,
  FORMAT,
  filterPositions,
  keyOf,
  MAGIC,
  PREFIX_BYTES,
  type StoredRecord,
  type StoreHeader,
} from "./format.ts";

/** The most that a header may unpack to. */
const MAX_HEADER_BYTES = 64 * 2 ** 20;
/** The most that one block may unpack to. */
const MAX_BLOCK_BYTES = 64 * 2 ** 20;
/** Decoded blocks that are kept; a scan asks for packages in the order of their names. */
const CACHED_BLOCKS = 64;

/** An opened store file. */
export interface OpenedStore extends AdvisoryStore {
  covers(ecosystem: string): boolean;
  /** OSV ecosystems and the number of packages with advisories in each. */
  readonly ecosystems: Readonly<Record<string, number>>;
  /** CVE ids known to be exploited. */
  readonly exploited: readonly string[];
  /** Probability of exploitation by CVE id (EPSS). */
  readonly epss: Readonly<Record<string, number>>;
  /** Everything in the store in the order of its keys, for whoever rewrites it. */
  records(): Iterable<{ readonly key: string; readonly records: readonly StoredRecord[] }>;
}

/**
 * Opens the store at `path` in milliseconds: reads the file whole, decodes the header, and decodes blocks when they are asked for.
 * Throws `store-missing`, `store-format` (written by another version) or `store-damaged`.
 */
export function openStore(path: string): OpenedStore {
  return readStore(readBytes(path), path);
}

/** Opens the store that ships with the product: facts from openly licensed advisory databases (see `seed/ATTRIBUTION.md`). */
export function openSeedStore(): OpenedStore {
  return openStore(`${import.meta.dirname}/seed/seed.store`);
}

/** As {@link openStore}, of bytes in memory; `name` stands in error messages. */
export function readStore(bytes: Buffer, name: string): OpenedStore {
  const file = parseFile(bytes, name);
  const exploited = new Set(file.header.exploited);
  const epss = new Map(Object.entries(file.header.epss ?? {}));
  const advisoriesOf = (record: StoredRecord) => toAdvisories(record, { exploited, epss });
  return {
    sources: file.header.sources,
    ecosystems: file.header.ecosystems,
    exploited: file.header.exploited,
    epss: file.header.epss ?? {},
    covers: (ecosystem) => Object.hasOwn(file.header.ecosystems, ecosystem),
    lookup: (ecosystem, key) => find(file, keyOf(ecosystem, key)).flatMap(advisoriesOf),
    records: () => allRecords(file),
  };
}

interface StoreFile {
  readonly name: string;
  readonly header: StoreHeader;
  readonly firstKeys: readonly string[];
  readonly blockAt: readonly number[];
  readonly bytes: Buffer;
  readonly filter: Buffer;
  readonly cache: Map<number, string>;
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CodedError("store-missing", `cannot read the advisory store ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function parseFile(bytes: Buffer, name: string): StoreFile {
  if (bytes.length < PREFIX_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new CodedError("store-format", `${name} is not an advisory store; make one with: flotilla db import --empty`);
  const format = bytes.readUInt32LE(8);
  if (format !== FORMAT)
    throw new CodedError(
      "store-format",
      `${name} has format ${format}, this version reads ${FORMAT}; import again with --empty`,
    );
  const headerEnd = PREFIX_BYTES + bytes.readUInt32LE(12);
  if (headerEnd > bytes.length) throw damaged(name, "it is cut short");
  const text = inflate(bytes.subarray(PREFIX_BYTES, headerEnd), MAX_HEADER_BYTES, name);
  const header = JSON.parse(text) as StoreHeader;
  const blockAt: number[] = [];
  let offset = headerEnd;
  for (const [, length] of header.blocks) {
    blockAt.push(offset);
    offset += length;
  }
  const filter = bytes.subarray(offset);
  if (filter.length !== header.filter.bytes || crc32(filter) !== header.filter.crc32)
    throw damaged(name, "its end does not fit its header");
  const firstKeys = header.blocks.map(([firstKey]) => firstKey);
  return { name, header, firstKeys, blockAt, bytes, filter, cache: new Map() };
}

function find(file: StoreFile, key: string): StoredRecord[] {
  if (!mayHold(file, key)) return [];
  const index = blockOf(file.firstKeys, key);
  if (index < 0) return [];
  const text = block(file, index);
  const start = text.indexOf(`\n${key}\t`);
  if (start < 0) return [];
  const from = start + key.length + 2;
  const end = text.indexOf("\n", from);
  return decodeRecords(text.slice(from, end < 0 ? undefined : end), file.header.sources);
}

function mayHold(file: StoreFile, key: string): boolean {
  const bits = file.filter.length * 8;
  if (bits === 0) return false;
  return filterPositions(key, bits, file.header.filter.hashes).every(
    (position) => ((file.filter[position >> 3] ?? 0) & (1 << (position & 7))) !== 0,
  );
}

/** Index of the last block whose first key is at or below `key`, or -1. */
function blockOf(firstKeys: readonly string[], key: string): number {
  let low = 0;
  let high = firstKeys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((firstKeys[middle] ?? "") <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function block(file: StoreFile, index: number): string {
  const cached = file.cache.get(index);
  if (cached !== undefined) return cached;
  const [, length = 0] = file.header.blocks[index] ?? [];
  const start = file.blockAt[index] ?? 0;
  const text = inflate(file.bytes.subarray(start, start + length), MAX_BLOCK_BYTES, file.name);
  const [oldest] = file.cache.keys();
  if (file.cache.size >= CACHED_BLOCKS && oldest !== undefined) file.cache.delete(oldest);
  file.cache.set(index, text);
  return text;
}

function* allRecords(file: StoreFile): Iterable<{ key: string; records: StoredRecord[] }> {
  for (let index = 0; index < file.header.blocks.length; index++) {
    for (const line of block(file, index).split("\n")) {
      if (line === "") continue;
      const end = line.indexOf("\t", line.indexOf("\t") + 1);
      yield { key: line.slice(0, end), records: decodeRecords(line.slice(end + 1), file.header.sources) };
    }
  }
}

function inflate(bytes: Buffer, maxOutputLength: number, name: string): string {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength }).toString("utf8");
  } catch (error) {
    throw damaged(name, messageOf(error));
  }
}

function damaged(name: string, why: string): CodedError {
  return new CodedError("store-damaged", `the advisory store ${name} is damaged (${why}); import again with --empty`);
}

/** What is known of CVEs whatever package they are in. */
interface CveFacts {
  readonly exploited: ReadonlySet<string>;
  readonly epss: ReadonlyMap<string, number>;
}

function toAdvisories(record: StoredRecord, facts: CveFacts): Advisory[] {
  const { upstream, severityBorrowed: _, ...rest } = record;
  if (upstream.length === 0) return [marked(rest, facts)];
  return upstream.map((id) => marked({ ...rest, id, aliases: [], via: record.id }, facts));
}

function marked(advisory: Advisory, { exploited, epss }: CveFacts): Advisory {
  const names = [advisory.id, ...advisory.aliases];
  const probability = Math.max(...names.map((name) => epss.get(name) ?? -1));
  return {
    ...advisory,
    ...(names.some((name) => exploited.has(name)) ? { exploited: true } : {}),
    ...(probability >= 0 ? { epss: probability } : {}),
  };
}

/** A store over advisories in memory, keyed by OSV ecosystem and name. */
export function memoryStore(
  sources: readonly SourceInfo[],
  packages: readonly { readonly ecosystem: string; readonly name: string; readonly advisories: readonly Advisory[] }[],
): AdvisoryStore {
  const byKey = new Map(packages.map((entry) => [keyOf(entry.ecosystem, entry.name), entry.advisories]));
  const ecosystems = new Set(packages.map((entry) => entry.ecosystem));
  return {
    sources,
    lookup: (ecosystem, name) => byKey.get(keyOf(ecosystem, name)) ?? [],
    covers: (ecosystem) => ecosystems.has(ecosystem),
  };
}
