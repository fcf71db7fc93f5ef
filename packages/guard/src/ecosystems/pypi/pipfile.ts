import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { extractLocked, type Locked } from "./graph.ts";

const MAX_LOCK_BYTES = 16 * 1024 * 1024;

/** `Pipfile.lock`: `default` and `develop` groups of `{ name: { version: "==1.2.3" } }`; what is of another source has no version. */
export const pipfileExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "pypi-pipfile",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("Pipfile.lock") && /(?:^|\/)Pipfile\.lock$/.test(path),
  read: readPipfile,
};

function readPipfile(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  return extractLocked(
    Object.entries(parsed.value).flatMap(([group, packages]) =>
      group === "_meta" || !isObject(packages) ? [] : lockedOf(packages, group === "develop"),
    ),
  );
}

function lockedOf(packages: JsonObject, development: boolean): Locked[] {
  return Object.entries(packages).flatMap(([name, entry]) => {
    if (!isObject(entry)) return [];
    const elsewhere = ["git", "path", "file", "hg", "svn"].some((key) => entry[key] !== undefined);
    const version = /^===?(.+)$/.exec(textOf(entry["version"], 256) ?? "")?.[1];
    return [{ name, version, elsewhere, development, needs: [] }];
  });
}
