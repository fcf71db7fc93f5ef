import { crc32 } from "node:zlib";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** CRC-32 of `text` in base 62, most significant first, padded with `0` to six characters: how GitHub, npm and we end a token. */
export function base62Checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let place = 0; place < 6; place++) {
    digits = `${BASE62[rest % 62]}${digits}`;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** Shannon entropy of `text`, in bits a character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Whether `text` is what people write in examples instead of a secret. */
export function isPlaceholder(text: string): boolean {
  return (
    /example|sample|placeholder|redacted|changeme|your[-_]?(?:key|token|secret)|dummy|fake|foobar|abcdefgh|12345678|01234567|deadbeef/i.test(
      text,
    ) || /(.)\1{5}/.test(text)
  );
}

/** Whether `text` looks drawn at random: enough entropy for its alphabet, no placeholder. */
export function looksRandom(text: string, minEntropy: number): boolean {
  return entropy(text) >= minEntropy && !isPlaceholder(text);
}

/** The bytes of base64 or base64url text without white space; undefined when it is not well-formed. */
export function decodeBase64(text: string): Buffer | undefined {
  const bare = text.replace(/=+$/, "");
  if (bare.length % 4 === 1 || !/^[A-Za-z0-9+/_-]*$/.test(bare)) return undefined;
  return Buffer.from(bare, "base64");
}

/** Whether `bytes` are one DER value, a SEQUENCE of exactly their length (X.690 §8.1). */
export function isDerSequence(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30) return false;
  const first = bytes[1] ?? 0;
  if (first < 0x80) return bytes.length === 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 3 || bytes.length < 2 + count) return false;
  return bytes.length === 2 + count + bytes.readUIntBE(2, count);
}
