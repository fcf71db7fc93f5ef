import { TAG } from "./header.ts";

/** What a fixture's package says of itself. */
export interface FixturePackage {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly epoch?: number;
  readonly architecture?: string;
  readonly sourceRpm?: string;
  readonly vendor?: string;
  readonly licence?: string;
  readonly files?: readonly (readonly [folder: string, name: string])[];
  /** Bytes of a tag that nobody reads, to make the header large. */
  readonly padding?: number;
}

/** A package header as a database holds it. */
export function makeHeader(item: FixturePackage): Buffer {
  const entries: Buffer[] = [];
  const data: Buffer[] = [];
  let size = 0;
  const add = (tag: number, type: number, count: number, bytes: Buffer) => {
    const gap = type === 4 ? (4 - (size % 4)) % 4 : 0;
    const entry = Buffer.alloc(16);
    [tag, type, size + gap, count].forEach((value, index) => {
      entry.writeUInt32BE(value, index * 4);
    });
    entries.push(entry);
    data.push(Buffer.alloc(gap), bytes);
    size += gap + bytes.length;
  };
  const text = (tag: number, value: string | undefined) => {
    if (value !== undefined) add(tag, 6, 1, Buffer.from(`${value}\0`));
  };
  const texts = (tag: number, values: readonly string[]) =>
    add(tag, 8, values.length, Buffer.from(values.map((value) => `${value}\0`).join("")));
  const numbers = (tag: number, values: readonly number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => {
      bytes.writeUInt32BE(value, index * 4);
    });
    add(tag, 4, values.length, bytes);
  };
  text(TAG.name, item.name);
  text(TAG.version, item.version);
  text(TAG.release, item.release);
  if (item.epoch !== undefined) numbers(TAG.epoch, [item.epoch]);
  text(TAG.vendor, item.vendor);
  text(TAG.licence, item.licence);
  text(TAG.architecture, item.architecture);
  text(TAG.sourceRpm, item.sourceRpm);
  const files = item.files ?? [];
  const folders = [...new Set(files.map(([folder]) => folder))];
  numbers(
    TAG.folderIndexes,
    files.map(([folder]) => folders.indexOf(folder)),
  );
  texts(
    TAG.baseNames,
    files.map(([, name]) => name),
  );
  texts(TAG.folders, folders);
  add(1999, 7, item.padding ?? 0, Buffer.alloc(item.padding ?? 0, 7));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(entries.length, 0);
  head.writeUInt32BE(size, 4);
  return Buffer.concat([head, ...entries, ...data]);
}
