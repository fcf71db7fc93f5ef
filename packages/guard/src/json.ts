/** JSON from outside: an object to look into without trust. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Nesting deeper than this is refused before the parser sees it. */
const MAX_DEPTH = 256;

export type JsonResult =
  | { readonly kind: "object"; readonly value: JsonObject }
  | { readonly kind: "bad"; readonly reason: string };

/** The JSON object in `bytes` (UTF-8, a byte-order mark is passed over); its size is bounded by whoever read it, its depth here. */
export function parseJsonObject(bytes: Buffer): JsonResult {
  if (isTooDeep(bytes)) return { kind: "bad", reason: `too-deep: JSON nested more than ${MAX_DEPTH} levels` };
  try {
    const text = bytes.toString("utf8");
    const value: unknown = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    if (isObject(value)) return { kind: "object", value };
    return { kind: "bad", reason: "malformed: JSON, but not an object" };
  } catch {
    return { kind: "bad", reason: "malformed: not JSON" };
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value` when it is text of a sensible length. */
export function textOf(value: unknown, maxLength = 1024): string | undefined {
  return typeof value === "string" && value.length > 0 && value.length <= maxLength ? value : undefined;
}

function isTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (inText) {
      if (byte === 0x5c) index++;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}
