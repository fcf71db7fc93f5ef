/** `\xff Go buildinf:`, at a multiple of 16 in the data segment (Go source, `debug/buildinfo`). */
export const MAGIC: Buffer = Buffer.from("\xff Go buildinf:", "latin1");
export const ALIGNMENT = 16;
/** The header before the inline strings. */
const HEADER_BYTES = 32;
const FLAGS_AT = 15;
/** Strings follow the header; without it, pointers do (before Go 1.18). */
const INLINE_FLAG = 2;
const MAX_VERSION_BYTES = 256;
/** Module information is text; the largest programs have some 100 kB of it. */
const MAX_MODULES_BYTES = 4 * 1024 * 1024;
/** Module information stands between two sentinels of 16 bytes. */
const SENTINEL_BYTES = 16;

export type BuildInfo =
  /** `goVersion` as `go version` prints it; `modules` is the text that `go version -m` shows, or "". */
  | { readonly kind: "info"; readonly goVersion: string; readonly modules: string }
  | { readonly kind: "pointers" }
  /** At least `bytes` from the magic on are needed. */
  | { readonly kind: "more"; readonly bytes: number }
  /** Not build information, whatever the magic says. */
  | { readonly kind: "none" };

/** Reads build information whose magic stands at the start of `bytes`. */
export function parseBuildInfo(bytes: Buffer): BuildInfo {
  if (bytes.length < HEADER_BYTES) return { kind: "more", bytes: HEADER_BYTES };
  const flags = bytes[FLAGS_AT] ?? 0;
  if ((flags & ~3) !== 0) return { kind: "none" };
  if ((flags & INLINE_FLAG) === 0) return looksLikePointers(bytes) ? { kind: "pointers" } : { kind: "none" };
  const version = textAt(bytes, HEADER_BYTES, MAX_VERSION_BYTES);
  if (version.kind !== "text") return version;
  if (!/^(?:go\d|devel )/.test(version.text)) return { kind: "none" };
  const modules = textAt(bytes, version.end, MAX_MODULES_BYTES);
  if (modules.kind === "more") return modules;
  const text = modules.kind === "text" ? modules.text : "";
  const isWhole = text.length > 2 * SENTINEL_BYTES && text.at(-SENTINEL_BYTES - 1) === "\n";
  return {
    kind: "info",
    goVersion: version.text,
    modules: isWhole ? Buffer.from(text.slice(SENTINEL_BYTES, -SENTINEL_BYTES), "latin1").toString("utf8") : "",
  };
}

type TextAt =
  | { readonly kind: "text"; readonly text: string; readonly end: number }
  | { readonly kind: "more"; readonly bytes: number }
  | { readonly kind: "none" };

/** Text with its length before it as a base-128 number. One byte is one character: the caller decodes. */
function textAt(bytes: Buffer, at: number, maxBytes: number): TextAt {
  let length = 0;
  let position = at;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[position++];
    if (byte === undefined) return { kind: "more", bytes: position };
    length += (byte & 0x7f) * 2 ** shift;
    if (length > maxBytes || shift > 28) return { kind: "none" };
    if (byte < 0x80) break;
  }
  const end = position + length;
  if (end > bytes.length) return { kind: "more", bytes: end };
  return { kind: "text", text: bytes.toString("latin1", position, end), end };
}

/** Pointer size 4 or 8, and two pointers that are not both nothing. */
function looksLikePointers(bytes: Buffer): boolean {
  const size = bytes[FLAGS_AT - 1];
  return (size === 4 || size === 8) && bytes.subarray(16, 16 + 2 * size).some((byte) => byte !== 0);
}
