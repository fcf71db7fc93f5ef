import { compareSemver, parseSemver, type Semver } from "../semver-order.ts";
import { compareParsed } from "../version-order.ts";

/** Whether `version` has a place among versions of Hex: Elixir's `Version`, which is SemVer 2. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of versions of Hex: Elixir's `Version`, which is SemVer 2. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, compareSemver);
}

function parse(version: string): Semver | undefined {
  return parseSemver(version);
}
