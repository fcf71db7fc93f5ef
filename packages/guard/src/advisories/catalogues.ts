import type { CatalogueReading } from "./catalogue.ts";
import { isDebianTracker, readDebianTracker } from "./debian-tracker.ts";
import { isSecdb, readSecdb } from "./secdb.ts";

/** What a JSON value says when it is one of the databases that come as one document; undefined for anything else. */
export function readCatalogue(value: unknown): CatalogueReading | undefined {
  if (isSecdb(value)) return readSecdb(value);
  return isDebianTracker(value) ? readDebianTracker(value) : undefined;
}
