import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";
import { isNugetId, nugetPurl } from "./purl.ts";

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
const TAG = "<package ";
const MAX_TAG_LENGTH = 2048;

/** `packages.config`: one `<package id="…" version="…" />` a package, those it needs among them. */
export const configExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "nuget-config",
  maxBytes: MAX_CONFIG_BYTES,
  wants: (path) => path.endsWith("packages.config") && /(?:^|\/)packages\.config$/.test(path),
  read: readConfig,
};

function readConfig(file: WholeFile): Extraction {
  const gathering = createGathering();
  const text = withoutComments(file.bytes.toString("utf8"));
  if (!text.includes("<packages")) gathering.problem("malformed: no list of packages");
  for (let at = text.indexOf(TAG); at >= 0; at = text.indexOf(TAG, at + TAG.length)) {
    const tag = text.slice(at, at + MAX_TAG_LENGTH).split(">", 1)[0] ?? "";
    const attributes = new Map(
      [...tag.matchAll(/\b(\w{1,40})\s{0,9}=\s{0,9}["']([^"']{0,300})["']/g)].map(([, k, v]) => [k, v]),
    );
    const id = attributes.get("id") ?? "";
    const version = attributes.get("version") ?? "";
    if (!isNugetId(id) || !/^\d/.test(version)) gathering.malformed(id || tag.slice(0, 40));
    else {
      const development = attributes.get("developmentDependency") === "true";
      gathering.add({ purl: nugetPurl(id, version), name: id, version, ...(development ? { development } : {}) });
    }
  }
  return gathering.extraction();
}

function withoutComments(text: string): string {
  return text
    .split("<!--")
    .map((part, index) => (index === 0 ? part : part.includes("-->") ? part.slice(part.indexOf("-->") + 3) : ""))
    .join("");
}
