import { DatabaseSync } from "node:sqlite";

/** A real SQLite file with rpm's tables. */
export function makeSqlite(headers: readonly Buffer[], pageBytes: number): Buffer {
  const database = new DatabaseSync(":memory:");
  database.exec(`PRAGMA page_size = ${pageBytes}; CREATE TABLE Other (a TEXT);
    CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)`);
  const insert = database.prepare("INSERT INTO Packages (blob) VALUES (?)");
  for (const header of headers) insert.run(header);
  database.exec("CREATE TABLE Later (a TEXT)");
  const bytes = Buffer.from(database.serialize());
  database.close();
  return bytes;
}

/** rpm's own form: a page of slots, then blobs. */
export function makeNdb(headers: readonly Buffer[]): Buffer {
  const slots = Buffer.alloc(4096);
  slots.write("RpmP", 0, "latin1");
  slots.writeUInt32LE(1, 12);
  for (let at = 32; at < slots.length; at += 16) slots.write("Slot", at, "latin1");
  const blobs: Buffer[] = [];
  let offset = slots.length;
  headers.forEach((header, index) => {
    const at = 32 + index * 16;
    const blob = Buffer.alloc(Math.ceil((16 + header.length + 12) / 16) * 16);
    blob.write("BlbS", 0, "latin1");
    blob.writeUInt32LE(index + 1, 4);
    blob.writeUInt32LE(header.length, 12);
    header.copy(blob, 16);
    slots.writeUInt32LE(index + 1, at + 4);
    slots.writeUInt32LE(offset / 16, at + 8);
    slots.writeUInt32LE(blob.length / 16, at + 12);
    blobs.push(blob);
    offset += blob.length;
  });
  return Buffer.concat([slots, ...blobs]);
}

/** A Berkeley DB hash file: one hash page of pairs, the values on overflow pages or, where they are short, on the page. */
export function makeBdb(headers: readonly Buffer[], little: boolean): Buffer {
  const pageBytes = 512;
  const u16 = (page: Buffer, value: number, at: number) =>
    little ? page.writeUInt16LE(value, at) : page.writeUInt16BE(value, at);
  const u32 = (page: Buffer, value: number, at: number) =>
    little ? page.writeUInt32LE(value, at) : page.writeUInt32BE(value, at);
  const meta = Buffer.alloc(pageBytes);
  u32(meta, 0x061561, 12);
  u32(meta, pageBytes, 20);
  meta[25] = 8;
  const hash = Buffer.alloc(pageBytes);
  hash[25] = 13;
  const pages: Buffer[] = [meta, hash];
  let end = pageBytes;
  let entries = 0;
  const item = (bytes: Buffer) => {
    end -= bytes.length;
    bytes.copy(hash, end);
    u16(hash, end, 26 + entries++ * 2);
  };
  for (const [index, header] of [Buffer.alloc(4), ...headers].entries()) {
    item(Buffer.from([1, index, 0, 0, 0]));
    if (header.length < 100) {
      item(Buffer.concat([Buffer.from([1]), header]));
      continue;
    }
    const reference = Buffer.alloc(12);
    reference[0] = 3;
    u32(reference, pages.length, 4);
    u32(reference, header.length, 8);
    item(reference);
    for (let at = 0; at < header.length; at += pageBytes - 26) {
      const page = Buffer.alloc(pageBytes);
      page[25] = 7;
      header.copy(page, 26, at);
      u32(page, at + pageBytes - 26 < header.length ? pages.length + 1 : 0, 16);
      pages.push(page);
    }
  }
  u16(hash, entries, 20);
  return Buffer.concat(pages);
}
