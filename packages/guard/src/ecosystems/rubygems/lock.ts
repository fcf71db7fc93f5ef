import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { gemPurl, isGemName } from "./purl.ts";

const MAX_LOCK_BYTES = 8 * 1024 * 1024;
const MAX_LINES = 200_000;
const MAX_LINE_LENGTH = 1024;

/** Bundler's `Gemfile.lock` and `gems.locked`. It does not say what is for development. */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "rubygems-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) =>
    (path.endsWith("Gemfile.lock") || path.endsWith("gems.locked")) &&
    /(?:^|\/)(?:Gemfile\.lock|gems\.locked)$/.test(path),
  read: readLock,
};

interface Gem {
  readonly name: string;
  readonly version: string;
  readonly line: number;
  readonly isRegistry: boolean;
  readonly needs: string[];
}

function readLock(file: WholeFile): Extraction {
  const gathering = createGathering();
  const { gems, direct } = linesOf(file.bytes.toString("utf8"), gathering);
  const purls = new Map<string, string>();
  for (const gem of gems) {
    if (!isGemName(gem.name) || !/^\d/.test(gem.version)) gathering.malformed(gem.name);
    else if (!gem.isRegistry) gathering.unversioned(gem.name);
    else {
      const purl = gemPurl(gem.name, gem.version);
      purls.set(gem.name, purl);
      gathering.add({ purl, name: gem.name, version: gem.version, line: gem.line, direct: direct.has(gem.name) });
    }
  }
  for (const { name, needs } of gems) {
    const by = purls.get(name);
    for (const need of needs) {
      const needed = purls.get(need);
      if (by !== undefined && needed !== undefined) gathering.requires(by, needed);
    }
  }
  return gathering.extraction();
}

/** Sections stand at the margin; in `specs:` gems have four spaces before them and what they need six; direct ones have two. */
function linesOf(text: string, gathering: Gathering): { gems: Gem[]; direct: ReadonlySet<string> } {
  const gems: Gem[] = [];
  const direct = new Set<string>();
  let section = "";
  text.split("\n", MAX_LINES).forEach((raw, index) => {
    const line = raw.trimEnd();
    if (line === "") return;
    if (line.length > MAX_LINE_LENGTH) {
      gathering.problem(`too-long: line ${index + 1} has ${line.length} characters`);
      return;
    }
    const indent = line.length - line.trimStart().length;
    if (indent === 0) section = line;
    else if (section === "DEPENDENCIES" && indent === 2) direct.add(nameOf(line));
    else if (indent === 4 && isSource(section)) {
      const [, name = "", version = ""] = /^ {4}(\S+) \(([^)\s]+)\)$/.exec(line) ?? [];
      if (name === "") gathering.malformed(`line ${index + 1}`);
      // The platform follows the version: `1.16.0-x86_64-linux`.
      else
        gems.push({
          name,
          version: version.split("-", 1)[0] ?? "",
          line: index + 1,
          isRegistry: section === "GEM",
          needs: [],
        });
    } else if (indent === 6 && isSource(section)) gems.at(-1)?.needs.push(nameOf(line));
  });
  return { gems, direct };
}

function isSource(section: string): boolean {
  return section === "GEM" || section === "GIT" || section === "PATH" || section === "PLUGIN SOURCE";
}

/** `rails (~> 7.0)`, `local!`. */
function nameOf(line: string): string {
  return (line.trim().split(" ", 1)[0] ?? "").replace(/!$/, "");
}
