import { crc32, inflateRawSync } from "node:zlib";
import { CodedError } from "@flotilla/base/errors";

/** Bounds on what a zip file may hold. */
export interface ZipBounds {
  readonly maxEntries: number;
  /** Of one entry when unpacked; larger ones are reported and passed over. */
  readonly maxEntryBytes: number;
  /** Of all entries when unpacked. */
  readonly maxTotalBytes: number;
}

export type ZipItem =
  | { readonly kind: "entry"; readonly name: string; readonly bytes: Buffer; readonly modifiedMs: number }
  | { readonly kind: "problem"; readonly name: string; readonly reason: string };

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const END_64_SIGNATURE = 0x06064b50;
const LOCATOR_64_SIGNATURE = 0x07064b50;
const LOCATOR_64_BYTES = 20;
const END_64_BYTES = 56;
const DIRECTORY_SIGNATURE = 0x02014b50;
const DIRECTORY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const MAX_COMMENT_BYTES = 65_535;
const MAX_DIRECTORY_BYTES = 512 * 2 ** 20;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;
const UNSET_32 = 0xffffffff;

/** Where the bytes of a zip come from. */
export interface ZipSource {
  /** Stands in messages. */
  readonly name: string;
  readonly size: number;
  /** `length` bytes from `position` on, which lie inside. */
  read(position: number, length: number): Buffer;
}

/** A zip in memory. */
export function zipOfBytes(bytes: Buffer, name: string): ZipSource {
  return { name, size: bytes.length, read: (position, length) => bytes.subarray(position, position + length) };
}

interface DirectoryEntry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly localOffset: number;
  readonly modifiedMs: number;
}

/**
 * The files in a zip whose names `wants` accepts, unpacked one at a time (PKWARE APPNOTE 6.3; zip64 too). Damage of one entry is a
 * problem; what is no zip throws `zip-damaged`, one past the bounds `zip-too-large`.
 */
export function* readZipEntries(
  open: ZipSource,
  wants: (name: string) => boolean,
  bounds: ZipBounds,
): Generator<ZipItem> {
  const { entries, offset, length } = findDirectory(open);
  if (entries > bounds.maxEntries) throw tooLarge(open.name, `${entries} entries, the bound is ${bounds.maxEntries}`);
  const directory = readAt(open, offset, length);
  let total = 0;
  for (const entry of parseDirectory(open, directory, entries)) {
    if (entry.name.endsWith("/") || !wants(entry.name)) continue;
    const item = readEntry(open, entry, bounds);
    if (item.kind === "entry") total += item.bytes.length;
    if (total > bounds.maxTotalBytes) throw tooLarge(open.name, `more than ${bounds.maxTotalBytes} bytes unpacked`);
    yield item;
  }
}

function findDirectory(open: ZipSource): { entries: number; offset: number; length: number } {
  const tailLength = Math.min(open.size, END_BYTES + MAX_COMMENT_BYTES + LOCATOR_64_BYTES);
  const tailStart = open.size - tailLength;
  const tail = readAt(open, tailStart, tailLength);
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    const entries = tail.readUInt16LE(at + 10);
    const length = tail.readUInt32LE(at + 12);
    const offset = tail.readUInt32LE(at + 16);
    const locator = at - LOCATOR_64_BYTES;
    if (locator >= 0 && tail.readUInt32LE(locator) === LOCATOR_64_SIGNATURE)
      return findDirectory64(open, Number(tail.readBigUInt64LE(locator + 8)));
    return checkedDirectory(open, { entries, offset, length });
  }
  throw damaged(open.name, "it has no central directory");
}

function findDirectory64(open: ZipSource, at: number): { entries: number; offset: number; length: number } {
  const end = readAt(open, at, END_64_BYTES);
  if (end.readUInt32LE(0) !== END_64_SIGNATURE) throw damaged(open.name, "its zip64 end is missing");
  return checkedDirectory(open, {
    entries: Number(end.readBigUInt64LE(32)),
    length: Number(end.readBigUInt64LE(40)),
    offset: Number(end.readBigUInt64LE(48)),
  });
}

function checkedDirectory(
  open: ZipSource,
  directory: { entries: number; offset: number; length: number },
): { entries: number; offset: number; length: number } {
  if (directory.length > MAX_DIRECTORY_BYTES) throw tooLarge(open.name, "its central directory");
  if (directory.offset + directory.length > open.size) throw damaged(open.name, "its central directory is cut short");
  return directory;
}

function* parseDirectory(open: ZipSource, bytes: Buffer, entries: number): Generator<DirectoryEntry> {
  let at = 0;
  for (let count = 0; count < entries; count++) {
    if (at + DIRECTORY_BYTES > bytes.length || bytes.readUInt32LE(at) !== DIRECTORY_SIGNATURE)
      throw damaged(open.name, `entry ${count + 1} of its central directory`);
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30);
    const next = at + DIRECTORY_BYTES + nameLength + extraLength + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) throw damaged(open.name, `entry ${count + 1} of its central directory`);
    const extraStart = at + DIRECTORY_BYTES + nameLength;
    yield {
      name: bytes.toString("utf8", at + DIRECTORY_BYTES, extraStart),
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      modifiedMs: dosTime(bytes.readUInt16LE(at + 14), bytes.readUInt16LE(at + 12)),
      crc: bytes.readUInt32LE(at + 16),
      ...sizesOf(bytes, at, bytes.subarray(extraStart, extraStart + extraLength)),
    };
    at = next;
  }
}

/** Sizes and offset, from the zip64 extra field where the 32-bit ones are not enough (APPNOTE 4.5.3). */
function sizesOf(
  bytes: Buffer,
  at: number,
  extra: Buffer,
): Pick<DirectoryEntry, "packedBytes" | "bytes" | "localOffset"> {
  const wide = zip64Values(extra);
  const pick = (value: number) => (value === UNSET_32 ? (wide.shift() ?? value) : value);
  const size = pick(bytes.readUInt32LE(at + 24));
  const packedBytes = pick(bytes.readUInt32LE(at + 20));
  return { bytes: size, packedBytes, localOffset: pick(bytes.readUInt32LE(at + 42)) };
}

function zip64Values(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1) {
      const values: number[] = [];
      for (let value = at + 4; value + 8 <= Math.min(end, extra.length); value += 8)
        values.push(Number(extra.readBigUInt64LE(value)));
      return values;
    }
    at = end;
  }
  return [];
}

function readEntry(open: ZipSource, entry: DirectoryEntry, bounds: ZipBounds): ZipItem {
  const problem = (reason: string): ZipItem => ({ kind: "problem", name: entry.name, reason });
  if (entry.bytes > bounds.maxEntryBytes)
    return problem(`too-large: ${entry.bytes} bytes, the bound is ${bounds.maxEntryBytes}`);
  if (entry.flags & ENCRYPTED) return problem("encrypted: the entry cannot be read without a password");
  if (entry.method !== STORED && entry.method !== DEFLATED) return problem(`unsupported: method ${entry.method}`);
  try {
    const packed = readPacked(open, entry, bounds);
    const bytes =
      entry.method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.bytes) });
    if (bytes.length !== entry.bytes || crc32(bytes) !== entry.crc) return problem("damaged: its checksum is wrong");
    return { kind: "entry", name: entry.name, bytes, modifiedMs: entry.modifiedMs };
  } catch (error) {
    if (error instanceof CodedError) return problem(`damaged: ${error.message}`);
    if (error instanceof RangeError) return problem("too-large: it unpacks to more than it says");
    if (error instanceof Error && "code" in error) return problem(`damaged: ${error.message}`);
    throw error;
  }
}

function readPacked(open: ZipSource, entry: DirectoryEntry, bounds: ZipBounds): Buffer {
  const local = readAt(open, entry.localOffset, LOCAL_BYTES);
  if (local.readUInt32LE(0) !== LOCAL_SIGNATURE) throw damaged(open.name, "a local header is missing");
  if (entry.packedBytes > bounds.maxEntryBytes) throw damaged(open.name, "an entry is larger packed than unpacked");
  const start = entry.localOffset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  return readAt(open, start, entry.packedBytes);
}

function readAt(open: ZipSource, position: number, length: number): Buffer {
  if (!Number.isSafeInteger(position) || position < 0 || position + length > open.size)
    throw damaged(open.name, "it is cut short");
  return open.read(position, length);
}

/** MS-DOS date and time, taken for UTC; 0 where there is none. */
function dosTime(date: number, time: number): number {
  if (date === 0) return 0;
  const day = [(date >> 9) + 1980, ((date >> 5) & 15) - 1, date & 31] as const;
  return Date.UTC(...day, time >> 11, (time >> 5) & 63, (time & 31) * 2);
}

function damaged(path: string, why: string): CodedError {
  return new CodedError("zip-damaged", `${path} is not a whole zip file: ${why}`);
}

function tooLarge(path: string, what: string): CodedError {
  return new CodedError("zip-too-large", `${path} is larger than is read: ${what}`);
}
