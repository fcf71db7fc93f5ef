import { compareSemver, parseSemver, type Semver } from "../semver-order.ts";
import { compareParsed } from "../version-order.ts";

/** A version as Dart orders it: build metadata counts. */
interface PubVersion {
  readonly semver: Semver;
  readonly build: Semver["prerelease"];
}

/** Whether `version` has a place among versions of Dart packages. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of `pub_semver`: SemVer 2, and then build metadata, of which none stands below any. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: PubVersion, b: PubVersion): number {
  return compareSemver(a.semver, b.semver) || compareBuild(a.build, b.build);
}

/** Identifiers compare as those of a pre-release do; the list that ends first is the lower. */
function compareBuild(a: PubVersion["build"], b: PubVersion["build"]): number {
  if (a.length === 0 || b.length === 0) return a.length - b.length;
  const core: Semver["core"] = [0, 0, 0];
  return compareSemver({ core, prerelease: a }, { core, prerelease: b });
}

function parse(version: string): PubVersion | undefined {
  const semver = parseSemver(version);
  if (semver === undefined) return undefined;
  const plus = version.indexOf("+");
  const build = plus < 0 ? [] : version.slice(plus + 1).split(".");
  return { semver, build: build.map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : part)) };
}
