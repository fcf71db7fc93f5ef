import { compareSemver, parseSemver, type Semver } from "../semver-order.ts";
import { compareParsed } from "../version-order.ts";

/** A version as NuGet orders it: SemVer with a fourth number. */
interface NugetVersion {
  readonly semver: Semver;
  readonly revision: bigint;
}

const MAX_VERSION_LENGTH = 256;
/** Up to four numbers, then what SemVer has (NuGet documentation, "Package versioning"). */
const PATTERN = /^v?(\d+(?:\.\d+){0,2})(?:\.(\d+))?(-[0-9a-z-]+(?:\.[0-9a-z-]+)*)?(?:\+[0-9a-z.-]*)?$/;

/** Whether `version` is one of NuGet: one to four numbers, a pre-release, build metadata. */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of NuGet's versions: missing numbers are 0, labels compare without regard to case, build metadata has no place. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, order);
}

function order(a: NugetVersion, b: NugetVersion): number {
  const core = { prerelease: [] };
  const numbers = compareSemver({ ...core, core: a.semver.core }, { ...core, core: b.semver.core });
  if (numbers !== 0) return numbers;
  if (a.revision !== b.revision) return a.revision < b.revision ? -1 : 1;
  return compareSemver(a.semver, b.semver);
}

function parse(version: string): NugetVersion | undefined {
  if (version.length > MAX_VERSION_LENGTH) return undefined;
  const match = PATTERN.exec(version.trim().toLowerCase());
  if (match === null) return undefined;
  const semver = parseSemver(`${match[1]}${match[3] ?? ""}`);
  return semver === undefined ? undefined : { semver, revision: BigInt(match[2] ?? 0) };
}
