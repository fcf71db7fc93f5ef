import { BlobList, type Blobs, MAX_HEADER_BYTES } from "./blobs.ts";

const HASH_MAGIC = 0x061561;
const MAGIC_AT = 12;
const PAGE_HEADER_BYTES = 26;
const HASH_UNSORTED = 2;
const OVERFLOW = 7;
const HASH = 13;
/** An item that stands on pages of its own (Berkeley DB `db_page.h`, `H_OFFPAGE`), and one that stands on this page (`H_KEYDATA`). */
const OFF_PAGE = 3;
const ON_PAGE = 1;
/** The smallest header has one entry; what is shorter is rpm's counter of packages. */
const MIN_HEADER_BYTES = 24;

/** Whether `bytes` begin as a Berkeley DB hash database, in either byte order. */
export function isBdb(bytes: Buffer): boolean {
  return (
    bytes.length >= 512 && (bytes.readUInt32LE(MAGIC_AT) === HASH_MAGIC || bytes.readUInt32BE(MAGIC_AT) === HASH_MAGIC)
  );
}

interface Database {
  readonly bytes: Buffer;
  readonly pageBytes: number;
  readonly u16: (page: Buffer, at: number) => number;
  readonly u32: (page: Buffer, at: number) => number;
}

/** The headers in a Berkeley DB hash file, `Packages` of RHEL 8 and before (Berkeley DB `db_page.h`). */
export function readBdb(bytes: Buffer): Blobs {
  const list = new BlobList();
  const little = bytes.readUInt32LE(MAGIC_AT) === HASH_MAGIC;
  const u16 = (page: Buffer, at: number) => (little ? page.readUInt16LE(at) : page.readUInt16BE(at));
  const u32 = (page: Buffer, at: number) => (little ? page.readUInt32LE(at) : page.readUInt32BE(at));
  const pageBytes = u32(bytes, 20);
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0) {
    list.problem("malformed: the page size of the database");
    return list.finish();
  }
  if (bytes.readUInt8(24) !== 0) list.problem("encrypted: the database cannot be read");
  const database = { bytes, pageBytes, u16, u32 };
  for (let number = 1; number * pageBytes < bytes.length && !list.isFull; number++) readPage(database, number, list);
  return list.finish();
}

function readPage(database: Database, number: number, list: BlobList): void {
  const page = pageOf(database, number);
  if (page === undefined) {
    list.problem("truncated: a page of the database is cut short");
    return;
  }
  const type = page[25];
  if (type !== HASH && type !== HASH_UNSORTED) return;
  const entries = database.u16(page, 20);
  // Keys and values take turns.
  for (let index = 1; index < entries && !list.isFull; index += 2) {
    const pointer = PAGE_HEADER_BYTES + index * 2;
    if (pointer + 2 > page.length) {
      list.problem(`damaged: page ${number} of the database`);
      return;
    }
    const at = database.u16(page, pointer);
    const before = database.u16(page, pointer - 2);
    const value = valueAt(database, page, at, before);
    if (value === undefined) list.problem("damaged: a package of the database is cut short");
    else if (value.length >= MIN_HEADER_BYTES) list.add(value);
  }
}

/** Items are laid from the page's end downwards: each ends where the one before it begins. */
function valueAt(database: Database, page: Buffer, at: number, end: number): Buffer | undefined {
  if (at < PAGE_HEADER_BYTES || at >= page.length) return undefined;
  if (page[at] === ON_PAGE) return end > at && end <= page.length ? page.subarray(at + 1, end) : undefined;
  if (page[at] !== OFF_PAGE || at + 12 > page.length) return undefined;
  return chainAt(database, database.u32(page, at + 4), database.u32(page, at + 8));
}

function chainAt(database: Database, first: number, length: number): Buffer | undefined {
  if (length > MAX_HEADER_BYTES || length > database.bytes.length) return undefined;
  const parts: Buffer[] = [];
  let rest = length;
  for (let number = first; rest > 0; ) {
    const page = number === 0 ? undefined : pageOf(database, number);
    if (page === undefined || page[25] !== OVERFLOW) return undefined;
    const part = page.subarray(PAGE_HEADER_BYTES, PAGE_HEADER_BYTES + rest);
    parts.push(part);
    rest -= part.length;
    number = database.u32(page, 16);
  }
  return Buffer.concat(parts);
}

function pageOf({ bytes, pageBytes }: Database, number: number): Buffer | undefined {
  const page = bytes.subarray(number * pageBytes, (number + 1) * pageBytes);
  return page.length === pageBytes ? page : undefined;
}
