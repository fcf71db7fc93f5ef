import type { EcosystemId } from "../model.ts";
import * as apk from "./apk/version.ts";
import * as binaries from "./binaries/version.ts";
import * as cargo from "./cargo/version.ts";
import * as cocoapods from "./cocoapods/version.ts";
import * as composer from "./composer/version.ts";
import * as conan from "./conan/version.ts";
import * as deb from "./deb/version.ts";
import * as go from "./go/version.ts";
import * as hex from "./hex/version.ts";
import * as maven from "./maven/version.ts";
import * as npm from "./npm/version.ts";
import * as nuget from "./nuget/version.ts";
import * as opkg from "./opkg/version.ts";
import * as pub from "./pub/version.ts";
import * as pypi from "./pypi/version.ts";
import * as rpm from "./rpm/version.ts";
import * as rubygems from "./rubygems/version.ts";
import { compareSemver, parseSemver } from "./semver-order.ts";
import * as swift from "./swift/version.ts";
import { compareParsed, type VersionOrder } from "./version-order.ts";

const ORDERS: Readonly<Record<EcosystemId, VersionOrder>> = {
  npm,
  pypi,
  deb,
  go,
  apk,
  opkg,
  rpm,
  maven,
  binaries,
  cargo,
  nuget,
  rubygems,
  composer,
  pub,
  hex,
  swift,
  conan,
  cocoapods,
};

/** Plain SemVer 2, for streams of advisories whose packages we do not read yet. */
const semver: VersionOrder = {
  compare: (a, b) => compareParsed(a, b, parseSemver, compareSemver),
  isValid: (version) => parseSemver(version) !== undefined,
};

const BY_OSV_NAME: Readonly<Record<string, VersionOrder>> = {
  npm,
  PyPI: pypi,
  Go: go,
  Debian: deb,
  Ubuntu: deb,
  Alpine: apk,
  Wolfi: apk,
  Chainguard: apk,
  AlmaLinux: rpm,
  "Rocky Linux": rpm,
  "Red Hat": rpm,
  openSUSE: rpm,
  SUSE: rpm,
  Maven: maven,
  "crates.io": cargo,
  NuGet: nuget,
  RubyGems: rubygems,
  Packagist: composer,
  Pub: pub,
  Hex: hex,
  SwiftURL: swift,
  ConanCenter: conan,
  Bitnami: semver,
};

/** The version order of an ecosystem whose packages we read. */
export function orderOf(ecosystem: EcosystemId): VersionOrder {
  return ORDERS[ecosystem];
}

/** The version order of an OSV ecosystem, with or without its release suffix (`Debian:12`), or undefined when we have none. */
export function orderOfOsv(ecosystem: string): VersionOrder | undefined {
  const name = ecosystem.split(":", 1)[0] ?? "";
  return Object.hasOwn(BY_OSV_NAME, name) ? BY_OSV_NAME[name] : undefined;
}
