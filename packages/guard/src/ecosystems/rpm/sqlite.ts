import { BlobList, type Blobs, MAX_HEADER_BYTES } from "./blobs.ts";

/**
 * The rows of the table `Packages` in a SQLite file held in memory (SQLite, "Database File Format"). Ours because SQLite itself opens
 * files only, and a layer is never unpacked to disk. Reads table b-trees and overflow pages; no indexes, no journal.
 */
export function readSqlite(bytes: Buffer): Blobs {
  const list = new BlobList();
  const database = openDatabase(bytes);
  if (database === undefined) list.problem("malformed: not a SQLite database");
  else {
    const root = rootOf(database, list);
    if (root === undefined) list.problem('malformed: a SQLite database without a table "Packages"');
    else for (const row of rowsOf(database, root, list)) addHeader(row, list);
  }
  return list.finish();
}

interface Database {
  readonly bytes: Buffer;
  readonly pageBytes: number;
  /** Page size without what is reserved at the end of each page. */
  readonly usable: number;
  readonly pages: number;
}

const MAGIC = Buffer.from("SQLite format 3\0", "latin1");
const FILE_HEADER_BYTES = 100;
const INTERIOR_TABLE = 0x05;
const LEAF_TABLE = 0x0d;
const MAX_DEPTH = 20;
const MAX_SCHEMA_ROWS = 1000;
const MAX_COLUMNS = 64;

function openDatabase(bytes: Buffer): Database | undefined {
  if (bytes.length < 512 || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const size = bytes.readUInt16BE(16);
  const pageBytes = size === 1 ? 65_536 : size;
  const usable = pageBytes - bytes.readUInt8(20);
  if (pageBytes < 512 || (pageBytes & (pageBytes - 1)) !== 0 || usable < 480) return undefined;
  return { bytes, pageBytes, usable, pages: Math.ceil(bytes.length / pageBytes) };
}

function rootOf(database: Database, list: BlobList): number | undefined {
  let rows = 0;
  for (const row of rowsOf(database, 1, list)) {
    if (++rows > MAX_SCHEMA_ROWS) return undefined;
    const [type, name, , root] = columnsOf(row);
    if (textOf(type) === "table" && textOf(name) === "Packages") return integerOf(root);
  }
  return undefined;
}

/** Records of a table in the order of its tree; a page is visited once, so a cycle ends. */
function* rowsOf(database: Database, root: number, list: BlobList): Generator<Buffer> {
  const seen = new Set<number>();
  const stack: { page: number; depth: number }[] = [{ page: root, depth: 0 }];
  for (let next = stack.pop(); next !== undefined && !list.isFull; next = stack.pop()) {
    const { page, depth } = next;
    const body = pageOf(database, page);
    if (body === undefined || seen.has(page) || depth > MAX_DEPTH) {
      list.problem(`damaged: page ${page} of the database`);
      continue;
    }
    seen.add(page);
    const at = page === 1 ? FILE_HEADER_BYTES : 0;
    const kind = body[at];
    if (kind === LEAF_TABLE) yield* leafRows(database, body, at, list);
    else if (kind === INTERIOR_TABLE) {
      for (const child of childrenOf(body, at).reverse()) stack.push({ page: child, depth: depth + 1 });
    } else list.problem(`damaged: page ${page} of the database`);
  }
}

function pageOf(database: Database, page: number): Buffer | undefined {
  if (page < 1 || page > database.pages) return undefined;
  const body = database.bytes.subarray((page - 1) * database.pageBytes, page * database.pageBytes);
  return body.length === database.pageBytes ? body : undefined;
}

/** Offsets of the cells that lie inside the page. */
function cellsOf(body: Buffer, at: number, headerBytes: number): number[] {
  const count = body.readUInt16BE(at + 3);
  const cells: number[] = [];
  for (let index = 0; index < count; index++) {
    const pointer = at + headerBytes + index * 2;
    if (pointer + 2 > body.length) break;
    const cell = body.readUInt16BE(pointer);
    if (cell + 4 <= body.length) cells.push(cell);
  }
  return cells;
}

function childrenOf(body: Buffer, at: number): number[] {
  return [...cellsOf(body, at, 12).map((cell) => body.readUInt32BE(cell)), body.readUInt32BE(at + 8)];
}

function* leafRows(database: Database, body: Buffer, at: number, list: BlobList): Generator<Buffer> {
  for (const cell of cellsOf(body, at, 8)) {
    const [length, afterLength] = varint(body, cell);
    const [, start] = varint(body, afterLength);
    const payload = payloadOf(database, body, start, length);
    if (payload === undefined) list.problem("damaged: a row of the database is cut short");
    else yield payload;
  }
}

/** "Cell payload overflow pages": what does not fit a page goes on in a chain of others. */
function payloadOf(database: Database, body: Buffer, start: number, length: number): Buffer | undefined {
  const { usable } = database;
  if (length > MAX_HEADER_BYTES || length > database.bytes.length) return undefined;
  if (length <= usable - 35) return start + length <= usable ? body.subarray(start, start + length) : undefined;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wanted = least + ((length - least) % (usable - 4));
  const local = wanted <= usable - 35 ? wanted : least;
  if (start + local + 4 > usable) return undefined;
  const parts = [body.subarray(start, start + local)];
  let page = body.readUInt32BE(start + local);
  for (let rest = length - local; rest > 0; ) {
    const next = pageOf(database, page);
    if (next === undefined) return undefined;
    const part = next.subarray(4, Math.min(usable, 4 + rest));
    parts.push(part);
    rest -= part.length;
    page = next.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

type Column = number | Buffer | undefined;

/** "Record Format": a header of types, then the values. */
function columnsOf(row: Buffer): Column[] {
  const [headerBytes, first] = varint(row, 0);
  const columns: Column[] = [];
  let at = headerBytes;
  for (let next = first; next < headerBytes && next < row.length && columns.length < MAX_COLUMNS; ) {
    const [type, after] = varint(row, next);
    next = after;
    const size = type >= 12 ? Math.floor((type - 12) / 2) : ([0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? 0);
    columns.push(at + size > row.length ? undefined : columnValue(type, row.subarray(at, at + size)));
    at += size;
  }
  return columns;
}

function columnValue(type: number, bytes: Buffer): Column {
  if (type >= 12) return bytes;
  if (type === 8 || type === 9) return type - 8;
  return type >= 1 && type <= 5 ? bytes.readUIntBE(0, bytes.length) : undefined;
}

function textOf(column: Column): string | undefined {
  return Buffer.isBuffer(column) ? column.toString("utf8") : undefined;
}

function integerOf(column: Column): number | undefined {
  return typeof column === "number" ? column : undefined;
}

/** Rows are a number, which is the row's own and stored as nothing, and the header. */
function addHeader(row: Buffer, list: BlobList): void {
  const header = columnsOf(row).find((column) => Buffer.isBuffer(column));
  if (Buffer.isBuffer(header)) list.add(header);
  else list.problem("damaged: a row of the database has no header");
}

/** Big-endian, seven bits a byte, at most nine bytes; what lies outside reads as 0. Beyond 2^53 the number is of no use, but its length is. */
function varint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    const byte = bytes[at + index] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at + index + 1];
  }
  return [value * 256 + (bytes[at + 8] ?? 0), at + 9];
}
