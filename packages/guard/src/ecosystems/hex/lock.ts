import { formatPurl } from "../../purl.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";

const MAX_LOCK_BYTES = 8 * 1024 * 1024;
const MAX_LINES = 50_000;
const MAX_LINE_LENGTH = 64 * 1024;
/** `"name": {:hex, :package, "1.2.3", …`; of other sources only the source is looked at. */
const ENTRY = /^\s{0,9}"([^"]{1,100})": \{:(hex|git|path), (?::?"?([A-Za-z0-9_]{1,100})"?, "([^"]{1,100})")?/;

/** `mix.lock` of Elixir: an Elixir term with one package a line. It does not say what is direct or for development. */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "hex-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("mix.lock") && /(?:^|\/)mix\.lock$/.test(path),
  read: readLock,
};

function readLock(file: WholeFile): Extraction {
  const gathering = createGathering();
  const purls = new Map<string, string>();
  const needs: { readonly by: string; readonly line: string }[] = [];
  file.bytes
    .toString("utf8")
    .split("\n", MAX_LINES)
    .forEach((line, index) => {
      if (line.length > MAX_LINE_LENGTH) gathering.problem(`too-long: line ${index + 1} has ${line.length} characters`);
      else if (!/^\s*(?:%\{|\}|#|$)/.test(line)) {
        const [, key = "", source, name = "", version = ""] = ENTRY.exec(line) ?? [];
        if (source === undefined || (source === "hex" && !/^\d/.test(version)))
          gathering.malformed(`line ${index + 1}`);
        else if (source !== "hex") gathering.unversioned(key);
        else {
          const purl = formatPurl({ type: "hex", name: name.toLowerCase(), version });
          purls.set(key, purl);
          needs.push({ by: purl, line });
          gathering.add({ purl, name: name.toLowerCase(), version, line: index + 1 });
        }
      }
    });
  // Needs stand as `{:plug, "~> 1.0", [hex: :plug, …]}`.
  for (const { by, line } of needs)
    for (const [, name = ""] of line.matchAll(/\{:"?([A-Za-z0-9_]{1,100})"?, "/g)) {
      const needed = purls.get(name);
      if (needed !== undefined) gathering.requires(by, needed);
    }
  return gathering.extraction();
}
