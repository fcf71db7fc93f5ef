import { CodedError } from "@flotilla/base/errors";
import { BLOCK } from "./header.ts";
import { formatPax } from "./pax.ts";

/** An entry to write. Times are seconds; equal entries make equal bytes. */
export interface NewEntry {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "hardlink";
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** Links only. */
  readonly linkName?: string;
  /** Size of the body that follows; files only. */
  readonly sizeBytes?: number;
}

const TYPES = { file: "0", hardlink: "1", symlink: "2", directory: "5" } as const;
const DEFAULT_MODES = { file: 0o644, hardlink: 0o644, symlink: 0o777, directory: 0o755 } as const;
const MAX_OCTAL_SIZE = 8 ** 11;
const MAX_OCTAL_ID = 8 ** 7;

/** The header blocks of `entry` (with a pax header where ustar is too small). Body and {@link padding} follow. */
export function tarHeader(entry: NewEntry): Buffer {
  const name = entry.kind === "directory" && !entry.path.endsWith("/") ? `${entry.path}/` : entry.path;
  const linkName = entry.linkName ?? "";
  const size = entry.kind === "file" ? (entry.sizeBytes ?? 0) : 0;
  const pax = new Map<string, string>();
  if (Buffer.byteLength(name) > 100) pax.set("path", name);
  if (Buffer.byteLength(linkName) > 100) pax.set("linkpath", linkName);
  if (size >= MAX_OCTAL_SIZE) pax.set("size", String(size));
  if ((entry.uid ?? 0) >= MAX_OCTAL_ID) pax.set("uid", String(entry.uid));
  if ((entry.gid ?? 0) >= MAX_OCTAL_ID) pax.set("gid", String(entry.gid));
  const own = block(entry, TYPES[entry.kind], name, linkName, size);
  if (pax.size === 0) return own;
  const body = formatPax(pax);
  const file = { path: "pax", kind: "file", mode: 0o644 } as const;
  return Buffer.concat([block(file, "x", "PaxHeader/entry", "", body.length), body, padding(body.length), own]);
}

/** Zeros after a body of `sizeBytes`, up to the next block. */
export function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK - (sizeBytes % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** A whole archive of small entries in memory. */
export function tarOf(entries: readonly (NewEntry & { readonly content?: Uint8Array | string })[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { content, ...entry } of entries) {
    const body = typeof content === "string" ? Buffer.from(content) : (content ?? Buffer.alloc(0));
    parts.push(tarHeader({ ...entry, sizeBytes: body.length }));
    if (entry.kind === "file") parts.push(body, padding(body.length));
  }
  parts.push(tarEnd());
  return Buffer.concat(parts);
}

function block(entry: NewEntry, type: string, name: string, linkName: string, size: number): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  put(bytes, 0, 100, name);
  octal(bytes, 100, 8, entry.mode ?? DEFAULT_MODES[entry.kind]);
  octal(bytes, 108, 8, clip(entry.uid ?? 0, MAX_OCTAL_ID));
  octal(bytes, 116, 8, clip(entry.gid ?? 0, MAX_OCTAL_ID));
  octal(bytes, 124, 12, clip(size, MAX_OCTAL_SIZE));
  octal(bytes, 136, 12, entry.mtime ?? 0);
  bytes.write(type, 156, "latin1");
  put(bytes, 157, 100, linkName);
  bytes.write("ustar\x0000", 257, "latin1");
  let sum = 8 * 0x20;
  for (const byte of bytes) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}

function put(bytes: Buffer, start: number, length: number, text: string): void {
  if (text.includes("\0")) throw new CodedError("tar-name-invalid", "tar: a name holds a NUL");
  Buffer.from(text).copy(bytes, start, 0, length);
}

function octal(bytes: Buffer, start: number, length: number, value: number): void {
  bytes.write(value.toString(8).padStart(length - 1, "0"), start, "latin1");
}

function clip(value: number, limit: number): number {
  return value < limit ? value : 0;
}
