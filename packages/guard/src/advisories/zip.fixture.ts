import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntrySpec {
  readonly name: string;
  readonly body: string | Buffer;
  readonly stored?: boolean;
  /** What the directory claims instead of the truth. */
  readonly claims?: {
    readonly bytes?: number;
    readonly crc?: number;
    readonly flags?: number;
    readonly method?: number;
  };
}

/** A zip file for tests, which can lie about its entries. */
export function makeZip(entries: readonly ZipEntrySpec[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const record = encodeEntry(entry, offset);
    locals.push(record.local);
    directory.push(record.central);
    offset += record.local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, central, end]);
}

function encodeEntry(entry: ZipEntrySpec, offset: number): { local: Buffer; central: Buffer } {
  const body = Buffer.from(entry.body);
  const packed = entry.stored ? body : deflateRawSync(body);
  const name = Buffer.from(entry.name);
  const fixed = Buffer.alloc(26);
  fixed.writeUInt16LE(20, 0);
  fixed.writeUInt16LE(entry.claims?.flags ?? 0, 2);
  fixed.writeUInt16LE(entry.claims?.method ?? (entry.stored ? 0 : 8), 4);
  fixed.writeUInt16LE(0, 6);
  fixed.writeUInt16LE(((2026 - 1980) << 9) | (8 << 5) | 21, 8);
  fixed.writeUInt32LE(entry.claims?.crc ?? crc32(body), 10);
  fixed.writeUInt32LE(packed.length, 14);
  fixed.writeUInt32LE(entry.claims?.bytes ?? body.length, 18);
  fixed.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), fixed, name, packed]);
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(offset, 10);
  return { local, central: Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), fixed, tail, name]) };
}
