import type { Migration } from "../migrate.ts";
import { up as core } from "./0001-core.ts";
import { up as registry } from "./0002-registry.ts";
import { up as fleet } from "./0003-fleet.ts";
import { up as releases } from "./0004-releases.ts";
import { up as registryUpkeep } from "./0005-registry-upkeep.ts";
import { up as releaseContents } from "./0006-release-contents.ts";

/** Every migration, oldest first. A new one is a file of this folder and a line here; an old one is never edited after a release. */
export const MIGRATIONS: readonly Migration[] = [
  { name: "0001-core", up: core },
  { name: "0002-registry", up: registry },
  { name: "0003-fleet", up: fleet },
  { name: "0004-releases", up: releases },
  { name: "0005-registry-upkeep", up: registryUpkeep },
  { name: "0006-release-contents", up: releaseContents },
];
