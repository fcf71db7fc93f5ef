import type { EcosystemId } from "./model.ts";

/** Our ecosystem by the type of a package URL (purl-spec, known types). */
export const ECOSYSTEM_OF_PURL_TYPE: Readonly<Record<string, EcosystemId>> = {
  npm: "npm",
  pypi: "pypi",
  deb: "deb",
  golang: "go",
  apk: "apk",
  opkg: "opkg",
  rpm: "rpm",
  maven: "maven",
  cargo: "cargo",
  nuget: "nuget",
  gem: "rubygems",
  composer: "composer",
  pub: "pub",
  hex: "hex",
  swift: "swift",
  conan: "conan",
  cocoapods: "cocoapods",
  generic: "binaries",
};
