import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { constants, crc32, zstdCompressSync } from "node:zlib";
import type { SourceInfo } from "../model.ts";
import {
  encodeRecord,
  FORMAT,
  filterPositions,
  MAGIC,
  PREFIX_BYTES,
  type StoredRecord,
  type StoreHeader,
} from "./format.ts";

/** A block is closed when its text is this long: larger ones compress better, smaller ones decode faster. */
const BLOCK_CHARS = 32 * 1024;
/** Ten bits and seven hashes let one absent key in a hundred through to the blocks. */
const FILTER_BITS_PER_KEY = 10;
const FILTER_HASHES = 7;
/** zstd levels above 12 gain little here and cost much (measured). */
const DEFAULT_LEVEL = 12;

export interface StoreContent {
  readonly sources: readonly SourceInfo[];
  readonly exploited: readonly string[];
  readonly epss?: Readonly<Record<string, number>>;
  /** By {@link keyOf}, in ascending order of the keys; each record's source is named in `sources`. */
  readonly packages: Iterable<{ readonly key: string; readonly records: readonly StoredRecord[] }>;
}

/** The bytes of a store file. */
export function encodeStore(content: StoreContent, level: number = DEFAULT_LEVEL): Buffer {
  const { blocks, keys } = encodeBlocks(content, level);
  const filter = buildFilter(keys);
  const header: StoreHeader = {
    sources: content.sources,
    ecosystems: countEcosystems(keys),
    blocks: blocks.map(({ firstKey, bytes, rawLength }) => [firstKey, bytes.length, rawLength]),
    filter: { bytes: filter.length, hashes: FILTER_HASHES, crc32: crc32(filter) },
    exploited: content.exploited,
    ...(content.epss === undefined || Object.keys(content.epss).length === 0 ? {} : { epss: content.epss }),
  };
  const packed = compress(JSON.stringify(header), level);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(FORMAT, 8);
  prefix.writeUInt32LE(packed.length, 12);
  return Buffer.concat([prefix, packed, ...blocks.map(({ bytes }) => bytes), filter]);
}

/** Replaces the file at `path` atomically: whoever opens it sees the old store or the new one, also after a loss of power. */
export function replaceFile(path: string, bytes: Buffer): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const temporary = join(folder, `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  const file = openSync(temporary, "wx", 0o644);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncFolder(folder);
}

interface EncodedBlock {
  readonly firstKey: string;
  readonly bytes: Buffer;
  readonly rawLength: number;
}

function encodeBlocks(content: StoreContent, level: number): { blocks: EncodedBlock[]; keys: string[] } {
  const sourceIndex = new Map(content.sources.map(({ name }, index) => [name, index]));
  const blocks: EncodedBlock[] = [];
  const keys: string[] = [];
  let firstKey = "";
  let text = "";
  const close = () => {
    if (text === "") return;
    blocks.push({ firstKey, bytes: compress(text, level), rawLength: text.length });
    text = "";
  };
  for (const { key, records } of content.packages) {
    if (text === "") firstKey = key;
    const lines = records.map((record) => encodeRecord(record, sourceIndex.get(record.source) ?? -1));
    text += `\n${key}\t[${lines.join(",")}]`;
    keys.push(key);
    if (text.length >= BLOCK_CHARS) close();
  }
  close();
  return { blocks, keys };
}

function buildFilter(keys: readonly string[]): Buffer {
  const filter = Buffer.alloc(Math.ceil((keys.length * FILTER_BITS_PER_KEY) / 8));
  for (const key of keys)
    for (const position of filterPositions(key, filter.length * 8, FILTER_HASHES)) {
      const byte = position >> 3;
      filter[byte] = (filter[byte] ?? 0) | (1 << (position & 7));
    }
  return filter;
}

function countEcosystems(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) {
    const ecosystem = key.slice(0, key.indexOf("\t"));
    counts[ecosystem] = (counts[ecosystem] ?? 0) + 1;
  }
  return counts;
}

function compress(text: string, level: number): Buffer {
  return zstdCompressSync(text, {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
