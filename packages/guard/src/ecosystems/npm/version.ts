import { compareSemver, parseSemver, type Semver } from "../semver-order.ts";
import { compareParsed } from "../version-order.ts";

/** Whether npm can order `version`: SemVer 2, strict or loose (`v1.2.3`, `=1.2.3`, `1.2.3beta`, ` 1.02.3`). */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of npm versions: SemVer 2 §11; what is no version stands below all that are, in code unit order. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, compareSemver);
}

function parse(version: string): Semver | undefined {
  return parseSemver(version.trim().replace(/^[=v\s]+/, ""));
}
