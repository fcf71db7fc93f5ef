import { compareDigits, compareText } from "../digits.ts";
import { compareParsed } from "../version-order.ts";

const MAX_VERSION_LENGTH = 256;
const PATTERN =
  /^(\d+)((?:\.\d+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:~([0-9a-f]+))?(?:-r(\d+))?$/;
/** Suffixes in their order; those before {@link END} make a version older than it is without them. */
const SUFFIXES: readonly string[] = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"];

/** What may follow a part of a version that is the same in both, lowest first (apk-tools `src/version.c`, `apk_version_compare`). */
const PRE_SUFFIX = 0;
const END = 1;
const REVISION = 2;
const COMMIT = 3;
const SUFFIX_NUMBER = 4;
const POST_SUFFIX = 5;
const LETTER = 6;
const NUMBER = 7;
const FIRST_NUMBER = 8;

interface Token {
  readonly rank: number;
  readonly text: string;
}

/** Whether apk takes `version`. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of Alpine's package versions, as `apk version -t` has it. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, compareTokens);
}

function parse(version: string): readonly Token[] | undefined {
  if (version.length > MAX_VERSION_LENGTH) return undefined;
  const match = PATTERN.exec(version);
  if (match === null) return undefined;
  const [, first = "", numbers = "", letter = "", suffixes = "", commit, revision] = match;
  const tokens: Token[] = [{ rank: FIRST_NUMBER, text: first }];
  for (const text of numbers.split(".").slice(1)) tokens.push({ rank: NUMBER, text });
  if (letter !== "") tokens.push({ rank: LETTER, text: letter });
  for (const suffix of suffixes.split("_").slice(1)) tokens.push(...suffixTokens(suffix));
  if (commit !== undefined) tokens.push({ rank: COMMIT, text: commit });
  if (revision !== undefined) tokens.push({ rank: REVISION, text: revision });
  return tokens;
}

function suffixTokens(suffix: string): Token[] {
  const name = suffix.replace(/\d+$/, "");
  const order = SUFFIXES.indexOf(name);
  const rank = order < SUFFIXES.indexOf("") ? PRE_SUFFIX : POST_SUFFIX;
  const token = { rank, text: String(order) };
  return name === suffix ? [token] : [token, { rank: SUFFIX_NUMBER, text: suffix.slice(name.length) }];
}

function compareTokens(a: readonly Token[], b: readonly Token[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const left = a[index] ?? { rank: END, text: "" };
    const right = b[index] ?? { rank: END, text: "" };
    const order = left.rank - right.rank || compareValues(left.rank, left.text, right.text);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers by value; after the first one, a leading zero makes them text (Gentoo's rule, which apk follows). */
function compareValues(rank: number, a: string, b: string): number {
  if (rank === LETTER || rank === COMMIT) return compareText(a, b);
  if (rank === NUMBER && (a.startsWith("0") || b.startsWith("0"))) return compareText(a, b);
  return compareDigits(a, b);
}
