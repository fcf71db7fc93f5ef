import { isObject, type JsonObject, textOf } from "../../json.ts";
import { parseTomlObject, tablesOf } from "../../toml.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";
import { cargoPurl, isCrateName, isCrateVersion } from "./purl.ts";

const MAX_LOCK_BYTES = 16 * 1024 * 1024;
const MAX_PACKAGES = 50_000;

/** `Cargo.lock`, versions 1 to 4. It does not say what is for development. */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "cargo-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("Cargo.lock") && /(?:^|\/)Cargo\.lock$/.test(path),
  read: readLock,
};

interface Crate {
  readonly name: string;
  readonly version: string;
  /** Undefined: a folder of the project. */
  readonly source: string | undefined;
  /** `name`, `name version` or `name version (source)`. */
  readonly needs: readonly string[];
}

function readLock(file: WholeFile): Extraction {
  const parsed = parseTomlObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const gathering = createGathering();
  const value = parsed.value["package"];
  if (Array.isArray(value) && value.length > MAX_PACKAGES)
    gathering.problem(`too-many-packages: more than ${MAX_PACKAGES}`);
  // Version 1 keeps the project itself apart.
  const root = parsed.value["root"];
  const crates = [...(isObject(root) ? [root] : []), ...(tablesOf(value, MAX_PACKAGES) ?? [])].map(crateOf);
  const purls = purlsByNeed(crates);
  const direct = new Set(
    crates.filter(({ source }) => source === undefined).flatMap(({ needs }) => needs.map((need) => purls.get(need))),
  );
  for (const crate of crates) {
    if (crate.source === undefined) continue;
    if (!isCrateName(crate.name) || !isCrateVersion(crate.version)) gathering.malformed(crate.name);
    else if (!/^(?:registry|sparse)\+/.test(crate.source)) gathering.unversioned(crate.name);
    else {
      const purl = cargoPurl(crate.name, crate.version);
      gathering.add({ purl, name: crate.name, version: crate.version, direct: direct.has(purl) });
      for (const need of crate.needs) {
        const needed = purls.get(need);
        if (needed !== undefined) gathering.requires(purl, needed);
      }
    }
  }
  return gathering.extraction();
}

function crateOf(table: JsonObject): Crate {
  const needs = Array.isArray(table["dependencies"]) ? table["dependencies"] : [];
  return {
    name: textOf(table["name"]) ?? "",
    version: textOf(table["version"], 256) ?? "",
    source: textOf(table["source"]),
    needs: needs.filter((need) => typeof need === "string").map((need) => need.split(" (", 1)[0] ?? ""),
  };
}

/** Purls by `name` (of the only version, else of the last) and by `name version`. */
function purlsByNeed(crates: readonly Crate[]): ReadonlyMap<string, string> {
  const purls = new Map<string, string>();
  for (const { name, version } of crates) {
    const purl = cargoPurl(name, version);
    purls.set(name, purl);
    purls.set(`${name} ${version}`, purl);
  }
  return purls;
}
