import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type OpenedStore, openSeedStore, openStore } from "@flotilla/guard/advisories/store";
import type { Environment } from "./config.ts";

/** Where `flotilla db import` keeps advisories for this user: `$XDG_DATA_HOME/flotilla/advisories.store`. */
export function userStoreFile({ variables }: Environment): string {
  return join(variables.XDG_DATA_HOME || join(homedir(), ".local", "share"), "flotilla", "advisories.store");
}

/** The store that a command works with: the file that was named, else the user's own, else the one that ships with the product. */
export function chooseStore(environment: Environment, file: string | undefined): { store: OpenedStore; name: string } {
  if (file !== undefined) return { store: openStore(file), name: file };
  const own = userStoreFile(environment);
  return existsSync(own) ? { store: openStore(own), name: own } : { store: openSeedStore(), name: "built in" };
}
