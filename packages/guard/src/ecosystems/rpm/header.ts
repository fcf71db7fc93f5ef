/** Tags of a package header that are read (rpm `include/rpm/rpmtag.h`). */
export const TAG = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  licence: 1014,
  architecture: 1022,
  sourceRpm: 1044,
  folderIndexes: 1116,
  baseNames: 1117,
  folders: 1118,
} as const;

const ENTRY_BYTES = 16;
const MAX_ENTRIES = 65_536;
const MAX_VALUES = 500_000;
const MAX_TEXT_BYTES = 4096;
const INT_32 = 4;
const STRING = 6;
const STRING_ARRAY = 8;
const TRANSLATED = 9;

/** A package header, opened. Values that are not there or lie outside read as absent. */
export interface Header {
  text(tag: number): string | undefined;
  number(tag: number): number | undefined;
  texts(tag: number): readonly string[];
  numbers(tag: number): readonly number[];
}

interface Entry {
  readonly type: number;
  readonly at: number;
  readonly count: number;
}

/** Opens a header as databases hold it (rpm, "Header Format", without magic): count and length, entries, data. */
export function parseHeader(blob: Buffer): Header | undefined {
  if (blob.length < 8) return undefined;
  const count = blob.readUInt32BE(0);
  const dataBytes = blob.readUInt32BE(4);
  const dataAt = 8 + count * ENTRY_BYTES;
  if (count === 0 || count > MAX_ENTRIES || dataAt + dataBytes > blob.length) return undefined;
  const data = blob.subarray(dataAt, dataAt + dataBytes);
  const entries = new Map<number, Entry>();
  for (let at = 8; at < dataAt; at += ENTRY_BYTES)
    entries.set(blob.readUInt32BE(at), {
      type: blob.readUInt32BE(at + 4),
      at: blob.readUInt32BE(at + 8),
      count: Math.min(blob.readUInt32BE(at + 12), MAX_VALUES),
    });
  const texts = (tag: number) => textsOf(data, entries.get(tag));
  const numbers = (tag: number) => numbersOf(data, entries.get(tag));
  return { texts, numbers, text: (tag) => texts(tag)[0], number: (tag) => numbers(tag)[0] };
}

function textsOf(data: Buffer, entry: Entry | undefined): readonly string[] {
  if (entry === undefined || ![STRING, STRING_ARRAY, TRANSLATED].includes(entry.type)) return [];
  const count = entry.type === STRING ? 1 : entry.count;
  const texts: string[] = [];
  for (let at = entry.at; texts.length < count && at < data.length; ) {
    const end = data.indexOf(0, at);
    if (end < 0) break;
    texts.push(data.toString("utf8", at, Math.min(end, at + MAX_TEXT_BYTES)));
    at = end + 1;
  }
  return texts;
}

function numbersOf(data: Buffer, entry: Entry | undefined): readonly number[] {
  if (entry?.type !== INT_32) return [];
  const numbers: number[] = [];
  for (let at = entry.at; numbers.length < entry.count && at + 4 <= data.length; at += 4)
    numbers.push(data.readUInt32BE(at));
  return numbers;
}
