import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { isNugetId, nugetPurl } from "./purl.ts";

const MAX_LOCK_BYTES = 16 * 1024 * 1024;

/** `packages.lock.json`: by target framework, `{ id: { type, resolved, dependencies } }`. */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "nuget-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("packages.lock.json") && /(?:^|\/)packages\.lock\.json$/.test(path),
  read: readLock,
};

function readLock(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const frameworks = parsed.value["dependencies"];
  if (!isObject(frameworks)) return { packages: [], problems: ["malformed: no dependencies"] };
  const gathering = createGathering();
  for (const packages of Object.values(frameworks)) if (isObject(packages)) readFramework(packages, gathering);
  return gathering.extraction();
}

function readFramework(packages: JsonObject, gathering: Gathering): void {
  const purls = new Map<string, string>();
  const entries = Object.entries(packages).flatMap(([id, entry]) => (isObject(entry) ? [{ id, entry }] : []));
  for (const { id, entry } of entries) {
    const type = textOf(entry["type"])?.toLowerCase();
    const version = textOf(entry["resolved"], 256);
    if (type === "project") continue;
    if (!isNugetId(id) || version === undefined || !/^\d/.test(version)) {
      gathering.malformed(id);
      continue;
    }
    const purl = nugetPurl(id, version);
    purls.set(id.toLowerCase(), purl);
    gathering.add({ purl, name: id, version, direct: type === "direct" });
  }
  for (const { id, entry } of entries) {
    const by = purls.get(id.toLowerCase());
    if (by === undefined || !isObject(entry["dependencies"])) continue;
    for (const name of Object.keys(entry["dependencies"])) {
      const needed = purls.get(name.toLowerCase());
      if (needed !== undefined) gathering.requires(by, needed);
    }
  }
}
