import { compareDigits, compareText } from "../digits.ts";
import { compareParsed } from "../version-order.ts";

const MAX_VERSION_LENGTH = 128;
/** Words that come before a release; all others (OpenSSL's letters, patch levels) come after it. */
const BEFORE: readonly string[] = ["dev", "alpha", "beta", "pre", "rc"];
const END = BEFORE.length;
const AFTER = END + 1;
const NUMBER = END + 2;

/** Whether `version` begins with a number. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of upstream versions as C projects write them: 1.1.1 < 1.1.1a < 1.1.1za < 1.1.2-rc1 < 1.1.2. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, compareSegments);
}

function parse(version: string): readonly string[] | undefined {
  if (version.length > MAX_VERSION_LENGTH || !/^\d[0-9A-Za-z.+_~-]*$/.test(version)) return undefined;
  return withoutZeros(version.toLowerCase().match(/\d+|[a-z]+/g) ?? []);
}

/** 1.2 and 1.2.0 are one version. */
function withoutZeros(segments: readonly string[]): readonly string[] {
  const last = segments.findLastIndex((segment) => !/^0+$/.test(segment));
  const kept = segments.slice(0, last + 1);
  const word = kept.findIndex((segment) => !/^\d/.test(segment));
  if (word < 0) return kept;
  const before = kept.slice(0, word);
  return [...before.slice(0, before.findLastIndex((segment) => !/^0+$/.test(segment)) + 1), ...kept.slice(word)];
}

function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const left = a[index] ?? "";
    const right = b[index] ?? "";
    const rank = rankOf(left);
    const order = rank - rankOf(right) || (rank === NUMBER ? compareDigits(left, right) : compareText(left, right));
    if (order !== 0) return order;
  }
  return 0;
}

function rankOf(segment: string): number {
  if (segment === "") return END;
  if (/^\d/.test(segment)) return NUMBER;
  const before = BEFORE.indexOf(segment);
  return before < 0 ? AFTER : before;
}
