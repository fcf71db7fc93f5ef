import { compareSemver, parseSemver, type Semver } from "../semver-order.ts";
import { compareParsed } from "../version-order.ts";

/** Whether `version` has a place among versions of crates.io: Cargo's versions are SemVer 2 without a leading v. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of versions of crates.io: Cargo's versions are SemVer 2 without a leading v. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, compareSemver);
}

function parse(version: string): Semver | undefined {
  return parseSemver(version);
}
