import { CodedError } from "@flotilla/base/errors";
import { parsePax } from "./pax.ts";

/** Size of a tar block; headers are one, bodies are padded to a multiple. */
export const BLOCK = 512;
/** Largest body of a pax header or GNU long name that is read; Go's archive/tar has the same bound, so Docker refuses what we refuse. */
export const MAX_META_BYTES = 1024 * 1024;

export type TarEntryKind = "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo" | "other";

/** One entry of a tar. */
export interface TarEntry {
  readonly kind: TarEntryKind;
  /** Relative to the root: no leading `/` or `./`, no trailing `/`, `..` resolved inside the root. Empty for the root itself. */
  readonly path: string;
  /** As it stands in the archive. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Target of a hard or symbolic link, as it stands in the archive; empty otherwise. */
  readonly linkName: string;
}

/** What one header block turned out to be. */
export type Header =
  /** An entry; `bodyBytes` follow it. */
  | { readonly kind: "entry"; readonly entry: TarEntry; readonly bodyBytes: number }
  /** Part of the next entry's description: give its body to {@link HeaderReader.meta}. */
  | { readonly kind: "meta"; readonly bodyBytes: number }
  /** One of the two zero blocks that end an archive. */
  | { readonly kind: "zero" };

const KINDS: Readonly<Record<string, TarEntryKind>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};
const HAS_BODY: ReadonlySet<TarEntryKind> = new Set<TarEntryKind>(["file", "other"]);

/** The reading of headers, shared by the streaming and the positioned reader: ustar, pax and GNU long names. Sparse files are refused. */
export interface HeaderReader {
  /** Reads the block at `offset`; throws `CodedError("tar-damaged")` or `CodedError("tar-sparse")`. */
  header(bytes: Buffer, offset: number): Header;
  /** Takes the body of the last `meta` header. */
  meta(body: Buffer): void;
}

/** A new reader of headers for one archive. */
export function createHeaderReader(): HeaderReader {
  let metaType = "";
  let longName: string | undefined;
  let longLink: string | undefined;
  let pax: ReadonlyMap<string, string> | undefined;

  function entryOf(bytes: Buffer, offset: number, type: string): Header {
    const overrides = pax;
    if (type === "S" || isSparse(overrides)) throw new CodedError("tar-sparse", "tar: sparse files are not supported");
    // A GNU long name wins over pax, as in Go's reader: what Docker unpacks and what we see must not differ.
    const name = longName ?? overrides?.get("path") ?? shortName(bytes, offset);
    const linkName = longLink ?? overrides?.get("linkpath") ?? text(bytes, offset + 157, 100);
    longName = undefined;
    longLink = undefined;
    pax = undefined;
    const kind = type === "\0" && name.endsWith("/") ? "directory" : (KINDS[type] ?? "other");
    const size = decimal(overrides, "size") ?? number(bytes, offset + 124, 12);
    const bodyBytes = HAS_BODY.has(kind) ? size : 0;
    const entry: TarEntry = {
      kind,
      path: cleanPath(name),
      name,
      sizeBytes: bodyBytes,
      mode: number(bytes, offset + 100, 8) & 0o7777,
      uid: decimal(overrides, "uid") ?? number(bytes, offset + 108, 8),
      gid: decimal(overrides, "gid") ?? number(bytes, offset + 116, 8),
      mtime: seconds(overrides) ?? number(bytes, offset + 136, 12),
      linkName,
    };
    return { kind: "entry", entry, bodyBytes };
  }

  return {
    header(bytes, offset) {
      const sum = checksum(bytes, offset);
      if (sum === ZERO_SUM && isZero(bytes, offset)) return { kind: "zero" };
      if (sum !== number(bytes, offset + 148, 8)) throw damaged("header checksum does not match");
      const type = String.fromCharCode(bytes[offset + 156] ?? 0);
      if (!"xgLK".includes(type)) return entryOf(bytes, offset, type);
      const bodyBytes = number(bytes, offset + 124, 12);
      if (bodyBytes > MAX_META_BYTES) throw damaged(`extended header of ${bodyBytes} bytes`);
      metaType = type;
      return { kind: "meta", bodyBytes };
    },
    meta(body) {
      if (metaType === "x") pax = parsePax(body);
      else if (metaType === "L") longName = text(body, 0, body.length) || undefined;
      else if (metaType === "K") longLink = text(body, 0, body.length) || undefined;
    },
  };
}

/** `name` relative to the root, without empty, `.` and `..` parts. */
export function cleanPath(name: string): string {
  let path = name;
  if (path.startsWith("./")) path = path.slice(2);
  if (path.endsWith("/")) path = path.slice(0, -1);
  if (!path.startsWith("/") && !path.startsWith(".") && !path.includes("//") && !path.includes("/.")) return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** The error for an archive that is not a well-formed tar. */
export function damaged(why: string): CodedError {
  return new CodedError("tar-damaged", `tar: ${why}`);
}

/** The checksum field counts as eight spaces. */
const ZERO_SUM = 8 * 0x20;

function checksum(bytes: Buffer, offset: number): number {
  let sum = ZERO_SUM;
  for (let index = offset; index < offset + 148; index++) sum += bytes[index] as number;
  for (let index = offset + 156; index < offset + BLOCK; index++) sum += bytes[index] as number;
  return sum;
}

function isZero(bytes: Buffer, offset: number): boolean {
  for (let index = offset; index < offset + BLOCK; index++) if (bytes[index] !== 0) return false;
  return true;
}

/** Name and prefix by the dialect that the magic names, in every quirk like Go's archive/tar (`Reader.readHeader`). */
function shortName(bytes: Buffer, offset: number): string {
  const name = text(bytes, offset, 100);
  const prefix = prefixOf(bytes, offset);
  return prefix === "" ? name : `${prefix}/${name}`;
}

const PREFIX_OFFSET = 345;
const USTAR_PREFIX_LENGTH = 155;
const STAR_PREFIX_LENGTH = 131;

function prefixOf(bytes: Buffer, offset: number): string {
  const start = offset + PREFIX_OFFSET;
  const magic = bytes.toString("latin1", offset + 257, offset + 265);
  if (magic.startsWith("ustar\0")) {
    const isStar = bytes.toString("latin1", offset + 508, offset + BLOCK) === "tar\0";
    return text(bytes, start, isStar ? STAR_PREFIX_LENGTH : USTAR_PREFIX_LENGTH);
  }
  if (magic !== "ustar  \0" || hasGnuTimes(bytes, start)) return "";
  // Old Go writers put a prefix where GNU keeps times; Go's reader takes it for one when the times are no numbers.
  const prefix = text(bytes, start, USTAR_PREFIX_LENGTH);
  const isAscii = Buffer.byteLength(prefix) === prefix.length;
  return isAscii ? prefix : "";
}

/** Whether the access and change times of a GNU header are absent or numbers. */
function hasGnuTimes(bytes: Buffer, start: number): boolean {
  return [start, start + 12].every((at) => {
    const first = bytes[at] ?? 0;
    return first === 0 || first >= 0x80 || /^ *[0-7]*[ \0]*$/.test(bytes.toString("latin1", at, at + 12));
  });
}

function text(bytes: Buffer, start: number, length: number): string {
  let end = start;
  const limit = start + length;
  while (end < limit && bytes[end] !== 0) end++;
  return bytes.toString("utf8", start, end);
}

/** Octal text, or base 256 when the first bit is set (GNU). */
function number(bytes: Buffer, start: number, length: number): number {
  const first = bytes[start] ?? 0;
  if (first >= 0x80) return base256(bytes, start, length);
  let value = 0;
  let seen = false;
  for (let index = start; index < start + length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte >= 0x30 && byte <= 0x37) {
      value = value * 8 + byte - 0x30;
      seen = true;
    } else if (byte === 0 || byte === 0x20) {
      if (seen) break;
    } else throw damaged("a number in a header is not octal");
  }
  return bounded(value);
}

function base256(bytes: Buffer, start: number, length: number): number {
  if (bytes[start] === 0xff) return 0; // negative: times before 1970 and unknown owners, nothing we use
  let value = (bytes[start] ?? 0) & 0x7f;
  for (let index = start + 1; index < start + length; index++) value = value * 256 + (bytes[index] ?? 0);
  return bounded(value);
}

function bounded(value: number): number {
  if (!Number.isSafeInteger(value)) throw damaged("a number in a header is too large");
  return value;
}

function decimal(pax: ReadonlyMap<string, string> | undefined, key: string): number | undefined {
  const value = pax?.get(key);
  if (value === undefined) return undefined;
  if (!/^\d{1,16}$/.test(value)) throw damaged(`pax ${key} is not a number`);
  return bounded(Number(value));
}

function seconds(pax: ReadonlyMap<string, string> | undefined): number | undefined {
  const value = Number.parseFloat(pax?.get("mtime") ?? "");
  return Number.isFinite(value) ? Math.floor(value) : undefined;
}

function isSparse(pax: ReadonlyMap<string, string> | undefined): boolean {
  if (pax === undefined) return false;
  for (const key of pax.keys()) if (key.startsWith("GNU.sparse.")) return true;
  return false;
}
