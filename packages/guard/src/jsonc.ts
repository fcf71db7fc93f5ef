import { type JsonResult, parseJsonObject } from "./json.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const STAR = 0x2a;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** The object in JSON with comments and with commas before closing brackets, as editors and Bun write it. Linear in its input. */
export function parseJsoncObject(bytes: Buffer): JsonResult {
  const plain = Buffer.from(bytes);
  let comma = -1;
  for (let at = 0; at < plain.length; at++) {
    const byte = plain[at] ?? 0;
    if (byte === QUOTE) {
      at = endOfText(plain, at);
      comma = -1;
    } else if (byte === SLASH && (plain[at + 1] === SLASH || plain[at + 1] === STAR)) at = blankComment(plain, at);
    else if (byte === COMMA) comma = at;
    else if (byte === 0x5d || byte === 0x7d) {
      if (comma >= 0) plain[comma] = SPACE;
      comma = -1;
    } else if (byte > SPACE) comma = -1;
  }
  return parseJsonObject(plain);
}

/** Offset of the closing quote of the text that begins at `at`. */
function endOfText(bytes: Buffer, at: number): number {
  for (let index = at + 1; index < bytes.length; index++) {
    if (bytes[index] === BACKSLASH) index++;
    else if (bytes[index] === QUOTE) return index;
  }
  return bytes.length;
}

/** Overwrites a comment and returns the offset of its last byte. */
function blankComment(bytes: Buffer, at: number): number {
  const isBlock = bytes[at + 1] === STAR;
  const end = isBlock ? bytes.indexOf("*/", at + 2) : bytes.indexOf(NEWLINE, at);
  const after = end < 0 ? bytes.length : isBlock ? end + 2 : end;
  bytes.fill(SPACE, at, after);
  return after - 1;
}
