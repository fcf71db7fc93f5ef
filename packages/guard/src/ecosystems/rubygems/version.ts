import { compareParsed } from "../version-order.ts";

type Segment = bigint | string;

const MAX_VERSION_LENGTH = 256;
/** `Gem::Version::VERSION_PATTERN`. */
const PATTERN = /^\d+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Whether `version` is one that RubyGems takes. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of `Gem::Version`: segments of digits or letters; letters make a pre-release and stand below every number; `-` reads as `.pre.`. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: readonly Segment[], b: readonly Segment[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const result = compareSegments(a[index] ?? 0n, b[index] ?? 0n);
    if (result !== 0) return result;
  }
  return 0;
}

function compareSegments(a: Segment, b: Segment): number {
  if (typeof a === typeof b) return a === b ? 0 : a < b ? -1 : 1;
  return typeof a === "string" ? -1 : 1;
}

/** `Gem::Version#canonical_segments`: without zeros at the end of the release and of the pre-release. */
function parse(version: string): readonly Segment[] | undefined {
  if (version.length > MAX_VERSION_LENGTH) return undefined;
  const text = version.trim();
  if (!PATTERN.test(text)) return undefined;
  const segments = (text.replaceAll("-", ".pre.").match(/\d+|[a-z]+/gi) ?? []).map((part) =>
    /^\d/.test(part) ? BigInt(part) : part,
  );
  const firstWord = segments.findIndex((segment) => typeof segment === "string");
  const at = firstWord < 0 ? segments.length : firstWord;
  return [...withoutTrailingZeros(segments.slice(0, at)), ...withoutTrailingZeros(segments.slice(at))];
}

function withoutTrailingZeros(segments: readonly Segment[]): readonly Segment[] {
  return segments.slice(0, segments.findLastIndex((segment) => segment !== 0n) + 1);
}
