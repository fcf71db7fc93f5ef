import { apk } from "./apk/index.ts";
import { binaries } from "./binaries/index.ts";
import { cargo } from "./cargo/index.ts";
import { cocoapods } from "./cocoapods/index.ts";
import { composer } from "./composer/index.ts";
import { conan } from "./conan/index.ts";
import { deb } from "./deb/index.ts";
import type { Ecosystem } from "./ecosystem.ts";
import { go } from "./go/index.ts";
import { hex } from "./hex/index.ts";
import { maven } from "./maven/index.ts";
import { npm } from "./npm/index.ts";
import { nuget } from "./nuget/index.ts";
import { opkg } from "./opkg/index.ts";
import { pub } from "./pub/index.ts";
import { pypi } from "./pypi/index.ts";
import { rpm } from "./rpm/index.ts";
import { rubygems } from "./rubygems/index.ts";
import { swift } from "./swift/index.ts";

/** Every ecosystem the guard reads. The only list: a folder here, a line here. */
export const ecosystems: readonly Ecosystem[] = [
  npm,
  pypi,
  deb,
  go,
  cargo,
  nuget,
  rubygems,
  composer,
  pub,
  hex,
  swift,
  conan,
  cocoapods,
  apk,
  opkg,
  rpm,
  maven,
  binaries,
];
