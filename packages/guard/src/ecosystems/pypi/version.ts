import { compareParsed } from "../version-order.ts";

/** A version as PEP 440 orders it. */
interface Pep440 {
  readonly epoch: number | bigint;
  /** Release segment without trailing zeros. */
  readonly release: readonly (number | bigint)[];
  /** Rank of the phase (dev only, a, b, rc, release) and its number. */
  readonly pre: readonly [number, number | bigint];
  /** -1 where there is none. */
  readonly post: number | bigint;
  /** Infinity where there is none. */
  readonly dev: number | bigint;
  readonly local: readonly (string | number | bigint)[];
}

const MAX_VERSION_LENGTH = 256;

/** PEP 440 appendix B, with its anchors. */
const PATTERN =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|beta|preview|pre|a|b|c|rc)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;

const PHASES: Readonly<Record<string, number>> = { a: 1, alpha: 1, b: 2, beta: 2, c: 3, rc: 3, pre: 3, preview: 3 };
const DEV_ONLY = 0;
const RELEASE = 4;

/** Whether `version` is one of PEP 440, in any of its spellings. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of PEP 440 with epochs, pre-, post- and development releases and local versions. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: Pep440, b: Pep440): number {
  return (
    compareNumbers(a.epoch, b.epoch) ||
    compareLists(a.release, b.release, compareNumbers) ||
    compareNumbers(a.pre[0], b.pre[0]) ||
    compareNumbers(a.pre[1], b.pre[1]) ||
    compareNumbers(a.post, b.post) ||
    compareNumbers(a.dev, b.dev) ||
    compareLists(a.local, b.local, compareLocal)
  );
}

function parse(version: string): Pep440 | undefined {
  if (version.length > MAX_VERSION_LENGTH) return undefined;
  const match = PATTERN.exec(version.trim().toLowerCase());
  if (match === null) return undefined;
  const [, epoch, release = "", phase, phaseNumber, implicitPost, post, postNumber, dev, devNumber, local] = match;
  return {
    epoch: toNumber(epoch),
    release: withoutTrailingZeros(release.split(".").map(toNumber)),
    pre: phaseOf(phase, phaseNumber, post ?? implicitPost, dev),
    post: post === undefined && implicitPost === undefined ? -1 : toNumber(implicitPost ?? postNumber),
    dev: dev === undefined ? Number.POSITIVE_INFINITY : toNumber(devNumber),
    local: local === undefined ? [] : local.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? toNumber(part) : part)),
  };
}

/** `1.0.dev1` stands below `1.0a1`; `1.0.post1.dev1` does not (as packaging's `_cmpkey` has it). */
function phaseOf(
  phase: string | undefined,
  number: string | undefined,
  post: string | undefined,
  dev: string | undefined,
): readonly [number, number | bigint] {
  if (phase !== undefined) return [PHASES[phase] ?? RELEASE, toNumber(number)];
  return post === undefined && dev !== undefined ? [DEV_ONLY, 0] : [RELEASE, 0];
}

function withoutTrailingZeros(parts: readonly (number | bigint)[]): readonly (number | bigint)[] {
  let length = parts.length;
  while (length > 0 && parts[length - 1] === 0) length--;
  return parts.slice(0, length);
}

function compareLists<T>(a: readonly T[], b: readonly T[], each: (a: T, b: T) => number): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const result = each(a[index] as T, b[index] as T);
    if (result !== 0) return result;
  }
  return a.length - b.length;
}

/** PEP 440 "Local version identifiers": numbers stand above words. */
function compareLocal(a: string | number | bigint, b: string | number | bigint): number {
  if (typeof a === "string" && typeof b === "string") return a === b ? 0 : a < b ? -1 : 1;
  if (typeof a === "string") return -1;
  if (typeof b === "string") return 1;
  return compareNumbers(a, b);
}

function compareNumbers(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function toNumber(digits: string | undefined): number | bigint {
  if (digits === undefined || digits === "") return 0;
  return digits.length > 15 ? BigInt(digits) : Number(digits);
}
