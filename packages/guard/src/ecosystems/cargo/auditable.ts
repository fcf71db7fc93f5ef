import { inflateSync, constants as zlib } from "node:zlib";
import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import type { Extraction } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";
import { cargoPurl, isCrateName, isCrateVersion } from "./purl.ts";

/** The list unpacked; the specification of cargo-auditable asks readers for a bound, and names 8 MB. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;
const BEGINNING = '{"packages":[';
/** Compressed bytes that give the beginning of the list. */
export const PROBE_BYTES = 512;
const MAX_PROBE_OUTPUT = 64 * 1024;
/** Small, because most probes give nothing. */
const PROBE_CHUNK_BYTES = 1024;
/** Second bytes of a zlib head whose window is 32 kB, for every level of compression (RFC 1950). */
const LEVELS: ReadonlySet<number> = new Set([0x01, 0x5e, 0x9c, 0xda]);
const ZLIB = 0x78;
/** RFC 1951: a dynamic block has at most 286 literal and 30 distance codes. */
const MAX_CODES = 29;

/** Offset of the next zlib stream that may hold text, from `from` on; -1 when there is none. */
export function nextCandidate(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(ZLIB, from); at >= 0; at = bytes.indexOf(ZLIB, at + 1)) {
    // What is cut off by the end of the bytes is told by whoever has more.
    if (at + 4 > bytes.length || isPlausible(bytes, at)) return at;
  }
  return -1;
}

function isPlausible(bytes: Buffer, at: number): boolean {
  if (!LEVELS.has(bytes[at + 1] ?? 0)) return false;
  const first = bytes[at + 2] ?? 0;
  const type = (first >> 1) & 3;
  return type === 1 || (type === 2 && first >> 3 <= MAX_CODES && ((bytes[at + 3] ?? 0) & 31) <= MAX_CODES);
}

/** Whether the zlib stream at the start of `bytes` unpacks to the beginning of a list of crates. */
export function isList(bytes: Buffer): boolean {
  try {
    const options = { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: MAX_PROBE_OUTPUT, chunkSize: PROBE_CHUNK_BYTES };
    const begin = inflateSync(bytes.subarray(0, PROBE_BYTES), options);
    return begin.toString("latin1", 0, BEGINNING.length) === BEGINNING;
  } catch {
    // What does not unpack, or unpacks to far more than text would, is something else.
    return false;
  }
}

/** The list in the zlib stream at the start of `bytes`; undefined while more bytes may complete it. */
export function readList(bytes: Buffer): Extraction | undefined {
  let text: Buffer;
  try {
    text = inflateSync(bytes, { maxOutputLength: MAX_LIST_BYTES });
  } catch (error) {
    const code = isObject(error) ? error["code"] : undefined;
    if (code === "Z_BUF_ERROR") return undefined;
    const reason =
      code === "ERR_BUFFER_TOO_LARGE" ? `too-large: more than ${MAX_LIST_BYTES} bytes` : "malformed: not zlib";
    return { packages: [], problems: [`${reason} (list of crates)`] };
  }
  const parsed = parseJsonObject(text);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const crates = parsed.value["packages"];
  return Array.isArray(crates) ? extract(crates.filter(isObject)) : { packages: [], problems: ["malformed: no list"] };
}

/** cargo-auditable, "Format": `source` is `crates.io`, `git`, `local` or `registry`; needs are places in the list. */
function extract(crates: readonly JsonObject[]): Extraction {
  const gathering = createGathering();
  const purls = crates.map((crate) => cargoPurl(textOf(crate["name"]) ?? "", textOf(crate["version"], 256) ?? ""));
  const direct = new Set(crates.filter((crate) => crate["root"] === true).flatMap(needsOf));
  for (const [index, crate] of crates.entries()) {
    const name = textOf(crate["name"]) ?? "";
    const version = textOf(crate["version"], 256) ?? "";
    const source = textOf(crate["source"]) ?? "";
    if (source === "local") continue;
    if (!isCrateName(name) || !isCrateVersion(version)) gathering.malformed(name);
    else if (source === "git") gathering.unversioned(name);
    else {
      const purl = cargoPurl(name, version);
      const development = crate["kind"] === "build";
      gathering.add({
        purl,
        name,
        version,
        evidence: "installed",
        direct: direct.has(index),
        ...(development ? { development } : {}),
      });
      for (const need of needsOf(crate)) gathering.requires(purl, purls[need] ?? "");
    }
  }
  return gathering.extraction();
}

function needsOf(crate: JsonObject): number[] {
  const needs = crate["dependencies"];
  return Array.isArray(needs) ? needs.filter((need) => Number.isSafeInteger(need)) : [];
}
