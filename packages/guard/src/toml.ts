import { parse } from "smol-toml";
import { isObject, type JsonResult } from "./json.ts";

/** Nesting deeper than this is refused by the parser. */
const MAX_DEPTH = 64;

/** The table in `bytes` (TOML 1.0, UTF-8); its size is bounded by whoever read it, its depth here. */
export function parseTomlObject(bytes: Buffer): JsonResult {
  try {
    const value: unknown = parse(bytes.toString("utf8").replace(/^\ufeff/, ""), {
      maxDepth: MAX_DEPTH,
      integersAsBigInt: "asNeeded",
    });
    if (isObject(value)) return { kind: "object", value };
    return { kind: "bad", reason: "malformed: TOML, but not a table" };
  } catch {
    return { kind: "bad", reason: `malformed: not TOML, or nested more than ${MAX_DEPTH} levels` };
  }
}

/** The tables of an array of tables, at most `max`; `undefined` when it is none. */
export function tablesOf(value: unknown, max: number): readonly Readonly<Record<string, unknown>>[] | undefined {
  return Array.isArray(value) ? value.slice(0, max).filter(isObject) : undefined;
}
