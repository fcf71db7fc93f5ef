import { compareParsed } from "../version-order.ts";

/** A part of a normalised version as PHP's `version_compare` ranks it, and its number where it is one. */
type Part = readonly [rank: number, number: bigint];

const MAX_VERSION_LENGTH = 256;
const END: Part = [4, 0n];
const NUMBER = 5;
/** `version_compare`: dev < alpha < beta < RC < nothing < number < patch. */
const STABILITIES: Readonly<Record<string, Part>> = {
  alpha: [1, 0n],
  a: [1, 0n],
  beta: [2, 0n],
  b: [2, 0n],
  rc: [3, 0n],
  patch: [6, 0n],
  pl: [6, 0n],
  p: [6, 0n],
};
const DEV: Part = [0, 0n];
/** `x` of `1.x-dev` stands above every release of its line (composer/semver `VersionParser::normalizeBranch`). */
const BRANCH_NUMBER = "9999999";

const MODIFIER = String.raw`[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?\d+)*))?([.-]?dev)?`;
const NUMBERED = new RegExp(String.raw`^v?(\d{1,5}(?:\.\d+){0,3})${MODIFIER}$`);
const DATED = new RegExp(String.raw`^v?(\d{4}(?:[.:-]?\d{2}){1,6}(?:[.:-]?\d{1,3}){0,2})${MODIFIER}$`);
const BRANCH = /^v?(\d+(?:\.(?:\d+|[x*])){0,3})(?:-dev)$/;

/** Whether `version` has a place in Composer's order: releases, their stabilities, numbered branches; a named branch (`dev-main`) has none. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of composer/semver: versions are normalised to four numbers and a stability, then compared as PHP's `version_compare` does. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: readonly Part[], b: readonly Part[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [rankA, numberA] = a[index] ?? END;
    const [rankB, numberB] = b[index] ?? END;
    if (rankA !== rankB) return rankA - rankB;
    if (numberA !== numberB) return numberA < numberB ? -1 : 1;
  }
  return 0;
}

function parse(version: string): readonly Part[] | undefined {
  if (version.length > MAX_VERSION_LENGTH) return undefined;
  const text = (version.trim().toLowerCase().split(" as ", 1)[0] ?? "").replace(/[@+].*$/, "");
  const match = NUMBERED.exec(text) ?? DATED.exec(text);
  if (match !== null) {
    const [, numbers = "", word, wordNumbers = "", dev] = match;
    const stability = word === undefined ? undefined : STABILITIES[word];
    const after = stability === undefined ? [] : [stability, ...numbersOf(wordNumbers)];
    return [...release(numbers, "0"), ...after, ...(dev === undefined ? [] : [DEV])];
  }
  const branch = BRANCH.exec(text)?.[1];
  return branch === undefined ? undefined : [...release(branch.replaceAll(/[x*]/g, BRANCH_NUMBER), BRANCH_NUMBER), DEV];
}

/** Four numbers at least, `fill` where the text has fewer. */
function release(text: string, fill: string): readonly Part[] {
  const numbers = numbersOf(text);
  return [...numbers, ...Array.from({ length: Math.max(0, 4 - numbers.length) }, () => numberPart(fill))];
}

function numbersOf(text: string): readonly Part[] {
  return (text.match(/\d+/g) ?? []).map(numberPart);
}

function numberPart(digits: string): Part {
  return [NUMBER, BigInt(digits)];
}
