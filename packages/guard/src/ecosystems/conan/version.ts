import { compareParsed } from "../version-order.ts";

/** A part between dots: its leading number, where it has one, and what follows (`1w` of OpenSSL's `1.1.1w`). */
type Item = readonly [number: bigint, word: string];

interface ConanVersion {
  readonly main: readonly Item[];
  /** Undefined for a release, which stands above its pre-releases. */
  readonly pre: readonly Item[] | undefined;
  readonly build: readonly Item[];
}

const MAX_VERSION_LENGTH = 256;
const PATTERN = /^([0-9a-z_.]+)(?:-([0-9a-z_.-]+))?(?:\+([0-9a-z_.+-]+))?$/;
/** Words stand above numbers, as letters do above digits. */
const ABOVE_NUMBERS = 1n << 1024n;

/** Whether `version` has a place in Conan's order: it begins with a digit, or is a word of one part such as `cci.20210118`. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/**
 * Order of Conan 2's versions: parts between dots, numbers as numbers, trailing zeros apart, pre-releases below, build metadata last. Where
 * Conan compares a number with a text (`9` with `1w`) its order has circles; ours compares their leading numbers first.
 */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: ConanVersion, b: ConanVersion): number {
  return compareItems(a.main, b.main) || comparePre(a.pre, b.pre) || compareItems(a.build, b.build);
}

function comparePre(a: ConanVersion["pre"], b: ConanVersion["pre"]): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareItems(a, b);
}

function compareItems(a: readonly Item[], b: readonly Item[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [numberA, wordA] = a[index] ?? [0n, ""];
    const [numberB, wordB] = b[index] ?? [0n, ""];
    if (numberA !== numberB) return numberA < numberB ? -1 : 1;
    if (wordA !== wordB) return wordA < wordB ? -1 : 1;
  }
  return a.length - b.length;
}

function parse(version: string): ConanVersion | undefined {
  if (version.length > MAX_VERSION_LENGTH) return undefined;
  const match = PATTERN.exec(
    version
      .trim()
      .toLowerCase()
      .replace(/^v(?=\d)/, ""),
  );
  if (match === null) return undefined;
  const [, main = "", pre, build] = match;
  return {
    main: withoutTrailingZeros(itemsOf(main)),
    pre: pre === undefined ? undefined : itemsOf(pre),
    build: build === undefined ? [] : itemsOf(build),
  };
}

function itemsOf(text: string): readonly Item[] {
  return text.split(".").map((part) => {
    const [, digits = "", word = ""] = /^(\d*)(.*)$/.exec(part) ?? [];
    return [digits === "" ? ABOVE_NUMBERS : BigInt(digits), word];
  });
}

function withoutTrailingZeros(items: readonly Item[]): readonly Item[] {
  return items.slice(0, items.findLastIndex(([number, word]) => number !== 0n || word !== "") + 1);
}
