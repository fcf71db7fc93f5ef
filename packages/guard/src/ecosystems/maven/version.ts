import { compareDigits, compareText } from "../digits.ts";
import { compareParsed } from "../version-order.ts";

const MAX_VERSION_LENGTH = 256;

/**
 * Where a token stands among others at the same place, lowest first (Maven, POM reference, "Version Order Specification"). What is not
 * there stands between the qualifiers that come before a release and those that come after it.
 */
const QUALIFIERS: Readonly<Record<string, number>> = {
  alpha: 0,
  beta: 1,
  milestone: 2,
  rc: 3,
  cr: 3,
  snapshot: 4,
  "": 6,
  final: 6,
  ga: 6,
  release: 6,
  sp: 7,
};
const END = 5;
const NULL_QUALIFIER = 6;
const OTHER_QUALIFIER = 8;
const HYPHEN_NUMBER = 9;
const DOT_NUMBER = 10;
const SHORT: Readonly<Record<string, string>> = { a: "alpha", b: "beta", m: "milestone" };

interface Token {
  readonly rank: number;
  /** Digits of a number, or a qualifier that has no place of its own. */
  readonly text: string;
  readonly hyphen: boolean;
}

/** Whether `version` is one: Maven takes any text, but a property that nobody filled in has no place in an order. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of Maven's versions (`ComparableVersion`). */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, compareTokens);
}

function compareTokens(a: readonly Token[], b: readonly Token[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const left = a[index];
    const right = b[index];
    const rank = left?.rank ?? END;
    const order = rank - (right?.rank ?? END) || compareValues(rank, left?.text ?? "", right?.text ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(rank: number, a: string, b: string): number {
  if (rank >= HYPHEN_NUMBER) return compareDigits(a, b);
  return rank === OTHER_QUALIFIER ? compareText(a, b) : 0;
}

function parse(version: string): readonly Token[] | undefined {
  if (version.length > MAX_VERSION_LENGTH || !/^[^\s${}[\](),]+$/.test(version)) return undefined;
  return trimmed(tokensOf(version.toLowerCase()));
}

/** Parts between dots, hyphens, and where digits meet letters, which counts as a hyphen. */
function tokensOf(version: string): Token[] {
  const tokens: Token[] = [];
  let hyphen = false;
  for (const part of version.split(/([.-])/)) {
    if (part === "." || part === "-") {
      hyphen = part === "-";
      continue;
    }
    const pieces = part.match(/\d+|\D+/g) ?? ["0"];
    for (const [index, piece] of pieces.entries())
      tokens.push(tokenOf(piece, hyphen || index > 0, /^\d/.test(pieces[index + 1] ?? "")));
    hyphen = false;
  }
  return tokens;
}

function tokenOf(piece: string, hyphen: boolean, beforeNumber: boolean): Token {
  if (/^\d/.test(piece)) return { rank: hyphen ? HYPHEN_NUMBER : DOT_NUMBER, text: piece, hyphen };
  const name = beforeNumber && Object.hasOwn(SHORT, piece) ? (SHORT[piece] ?? piece) : piece;
  const rank = Object.hasOwn(QUALIFIERS, name) ? QUALIFIERS[name] : undefined;
  return { rank: rank ?? OTHER_QUALIFIER, text: rank === undefined ? name : "", hyphen: true };
}

/** Without what says nothing (zeros, `final`) at the end and before every hyphen and qualifier: 1.0.0-1 is 1-1. */
function trimmed(tokens: readonly Token[]): readonly Token[] {
  const kept: Token[] = [];
  let atEnd = true;
  for (const token of tokens.toReversed()) {
    if (atEnd && saysNothing(token)) continue;
    kept.push(token);
    atEnd = token.hyphen;
  }
  return kept.reverse();
}

function saysNothing(token: Token): boolean {
  return token.rank === NULL_QUALIFIER || (token.rank >= HYPHEN_NUMBER && /^0+$/.test(token.text));
}
