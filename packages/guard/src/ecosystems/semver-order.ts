/** A version read by the rules of Semantic Versioning 2, after {@link parseSemver} mended what its options allow. */
export interface Semver {
  /** Major, minor, patch. */
  readonly core: readonly [bigint | number, bigint | number, bigint | number];
  /** Identifiers of the pre-release; empty for a release. Numbers compare as numbers and stand below words. */
  readonly prerelease: readonly (string | number | bigint)[];
}

/** No version in the wild is longer; longer text is not a version. */
const MAX_VERSION_LENGTH = 256;

const IDENTIFIER = String.raw`(?:\d*[a-zA-Z-][a-zA-Z0-9-]*|\d+)`;
const PATTERN = new RegExp(
  String.raw`^(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-?(${IDENTIFIER}(?:\.${IDENTIFIER})*))?(?:\+[0-9A-Za-z.-]*)?$`,
);

/**
 * The version in `text`: SemVer 2, and what npm's loose form adds (a missing hyphen before the pre-release, leading zeros). Missing
 * minor or patch are 0, as advisories write them. Build metadata is dropped, for it has no place in the order (SemVer 2 §10).
 */
export function parseSemver(text: string): Semver | undefined {
  if (text.length > MAX_VERSION_LENGTH) return undefined;
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const identifiers = match[4]?.split(".") ?? [];
  return {
    core: [toNumber(match[1] ?? "0"), toNumber(match[2] ?? "0"), toNumber(match[3] ?? "0")],
    prerelease: identifiers.map((part) => (/^\d+$/.test(part) ? toNumber(part) : part)),
  };
}

/** SemVer 2 §11: -1, 0 or 1. */
export function compareSemver(a: Semver, b: Semver): number {
  for (let index = 0; index < 3; index++) {
    const order = compareNumbers(a.core[index] ?? 0, b.core[index] ?? 0);
    if (order !== 0) return order;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return Math.sign(Math.min(1, b.prerelease.length) - Math.min(1, a.prerelease.length));
  return comparePrerelease(a.prerelease, b.prerelease);
}

function comparePrerelease(a: Semver["prerelease"], b: Semver["prerelease"]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareIdentifiers(a[index] ?? 0, b[index] ?? 0);
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}

function compareIdentifiers(a: string | number | bigint, b: string | number | bigint): number {
  if (typeof a === "string" && typeof b === "string") return a === b ? 0 : a < b ? -1 : 1;
  if (typeof a === "string") return 1;
  if (typeof b === "string") return -1;
  return compareNumbers(a, b);
}

function compareNumbers(a: number | bigint, b: number | bigint): number {
  return a === b ? 0 : a < b ? -1 : a > b ? 1 : 0;
}

/** Exact for every length: dates with times in them do not fit a double. */
function toNumber(digits: string): number | bigint {
  return digits.length > 15 ? shrink(BigInt(digits)) : Number(digits);
}

function shrink(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
