import { compareSemver, parseSemver, type Semver } from "../semver-order.ts";
import { compareParsed } from "../version-order.ts";

const TOOLCHAIN = /^go(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:(alpha|beta|rc)(\d+))?(?:[-+ ].*)?$/;

/**
 * Whether `version` is a Go module version (`v1.2.3`, pseudo-versions, `+incompatible`; the `v` may be missing, as advisories write
 * it) or a toolchain's (`go1.21.3`, `go1.22rc1`). `(devel)` and `devel go1.23-…` are not.
 */
export function isValid(version: string): boolean {
  return parse(version) !== undefined;
}

/** Order of Go versions: SemVer 2 §11, build metadata apart (golang.org/x/mod/semver); toolchains as releases of `stdlib`. */
export function compare(a: string, b: string): number {
  return compareParsed(a, b, parse, compareSemver);
}

function parse(version: string): Semver | undefined {
  const toolchain = TOOLCHAIN.exec(version);
  if (toolchain !== null) {
    const [, major, minor = "0", patch = "0", stage, number] = toolchain;
    return parseSemver(`${major}.${minor}.${patch}${stage === undefined ? "" : `-${stage}.${number}`}`);
  }
  return parseSemver(version.startsWith("v") ? version.slice(1) : version);
}
