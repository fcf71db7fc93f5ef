import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";
import { gemPurl, isGemName } from "./purl.ts";

const MAX_SPECIFICATION_BYTES = 1024 * 1024;
const MAX_LINES = 5_000;
const MAX_LINE_LENGTH = 4096;

/** Installed gems: the specification that RubyGems writes into `specifications`, which is Ruby of one fixed form. */
export const installedExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "rubygems-installed",
  maxBytes: MAX_SPECIFICATION_BYTES,
  wants: (path) => path.endsWith(".gemspec") && /(?:^|\/)specifications\/(?:default\/)?[^/]+\.gemspec$/.test(path),
  read: readSpecification,
};

function readSpecification(file: WholeFile): Extraction {
  const fields = new Map<string, string>();
  for (const line of file.bytes.toString("utf8").split("\n", MAX_LINES)) {
    if (line.length > MAX_LINE_LENGTH) continue;
    const [, field, value] = /^\s{0,9}s\.(name|version|licenses?) = (.+)$/.exec(line) ?? [];
    if (field !== undefined && value !== undefined && !fields.has(field)) fields.set(field, value);
  }
  const name = textsIn(fields.get("name"))[0] ?? "";
  const version = textsIn(fields.get("version"))[0] ?? "";
  const gathering = createGathering();
  const licences = textsIn(fields.get("licenses") ?? fields.get("license")).slice(0, 8);
  if (!isGemName(name) || !/^\d/.test(version)) gathering.problem("malformed: a specification without name or version");
  else
    gathering.add({
      purl: gemPurl(name, version),
      name,
      version,
      evidence: "installed",
      ...(licences.length === 0 ? {} : { licence: licences.join(" OR ") }),
    });
  return gathering.extraction();
}

/** The quoted texts of a value: `"a".freeze`, `["MIT".freeze, "Ruby".freeze]`, `Gem::Version.new("1.0")`. */
function textsIn(value: string | undefined): string[] {
  return [...(value ?? "").matchAll(/["']([^"']{1,200})["']/g)].map((match) => match[1] ?? "");
}
