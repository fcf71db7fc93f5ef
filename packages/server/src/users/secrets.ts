import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const API_TOKEN = /^flt_([0-9a-f]{32})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/**
 * An API token is `flt_<id, 32 hex>_<secret, 43 base62><checksum, 6 base62>`. The checksum is the CRC-32 of all before it in base62 (most
 * significant first, padded with `0`), so that a secret scanner tells a real token from a look-alike without asking anybody.
 */
export function formatApiToken(id: string, secret: string): string {
  const body = `flt_${id.replaceAll("-", "")}_${secret}`;
  return `${body}${checksum(body)}`;
}

/** The id (as a UUID) and secret in an API token, or undefined when it is none or its checksum is wrong. */
export function parseApiToken(text: string): { readonly id: string; readonly secret: string } | undefined {
  const match = API_TOKEN.exec(text);
  const [, hex = "", secret = "", sum] = match ?? [];
  if (match === null || checksum(`flt_${hex}_${secret}`) !== sum) return undefined;
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  return { id, secret };
}

/** 256 bits of randomness in base62. */
export function newSecret(): string {
  return toBase62(BigInt(`0x${randomBytes(32).toString("hex")}`), SECRET_LENGTH);
}

/** SHA-256 in hex: what is stored of a secret that we made ourselves (and that therefore needs no slow hash). */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether `secret` has this hash, in constant time. */
export function secretMatches(secret: string, hash: string): boolean {
  const given = Buffer.from(hashSecret(secret), "hex");
  const wanted = Buffer.from(hash, "hex");
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function checksum(text: string): string {
  return toBase62(BigInt(crc32(text)), CHECKSUM_LENGTH);
}

function toBase62(value: bigint, length: number): string {
  let rest = value;
  let text = "";
  for (let place = 0; place < length; place++) {
    text = `${ALPHABET[Number(rest % 62n)]}${text}`;
    rest /= 62n;
  }
  return text;
}
