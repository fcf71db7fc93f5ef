import { BlobList, type Blobs, MAX_HEADER_BYTES } from "./blobs.ts";

/** `RpmP`, as a little-endian number. */
export const NDB_MAGIC = 0x506d7052;
const SLOT_MAGIC = 0x746f6c53;
const BLOB_MAGIC = 0x53626c42;
const HEADER_BYTES = 32;
const SLOT_BYTES = 16;
const SLOT_PAGE_BYTES = 4096;
const BLOCK_BYTES = 16;

/** The headers in rpm's own database form, `Packages.db` of SUSE (rpm `lib/backend/ndb/rpmpkg.c`): pages of slots that point at blobs. */
export function readNdb(bytes: Buffer): Blobs {
  const list = new BlobList();
  const slotBytes = bytes.readUInt32LE(12) * SLOT_PAGE_BYTES;
  if (slotBytes > bytes.length) list.problem("truncated: the database's slots are cut short");
  const end = Math.min(slotBytes, bytes.length) - SLOT_BYTES;
  for (let at = HEADER_BYTES; at <= end && !list.isFull; at += SLOT_BYTES) {
    if (bytes.readUInt32LE(at) !== SLOT_MAGIC) {
      list.problem("damaged: a slot of the database");
      break;
    }
    const index = bytes.readUInt32LE(at + 4);
    const block = bytes.readUInt32LE(at + 8);
    if (index === 0 || block === 0) continue;
    const blob = blobAt(bytes, block * BLOCK_BYTES, index);
    if (blob === undefined) list.problem("damaged: a package of the database is cut short");
    else list.add(blob);
  }
  return list.finish();
}

function blobAt(bytes: Buffer, at: number, index: number): Buffer | undefined {
  if (at + BLOCK_BYTES > bytes.length || bytes.readUInt32LE(at) !== BLOB_MAGIC) return undefined;
  const length = bytes.readUInt32LE(at + 12);
  const start = at + BLOCK_BYTES;
  if (bytes.readUInt32LE(at + 4) !== index || length > MAX_HEADER_BYTES || start + length > bytes.length)
    return undefined;
  return bytes.subarray(start, start + length);
}
