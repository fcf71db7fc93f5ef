import { formatPurl } from "../../purl.ts";
import { isYamlMap, mapAt, parseBlockYaml, type YamlValue } from "../block-yaml.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";

const MAX_LOCK_BYTES = 8 * 1024 * 1024;

/** `Podfile.lock`. Parts of a pod (`Pod/Part`) are the pod. */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "cocoapods-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("Podfile.lock") && /(?:^|\/)Podfile\.lock$/.test(path),
  read: readLock,
};

interface Pod {
  readonly name: string;
  readonly version: string;
  readonly needs: readonly string[];
}

function readLock(file: WholeFile): Extraction {
  const gathering = createGathering();
  const { documents, problems } = parseBlockYaml(file.bytes);
  for (const problem of problems) gathering.problem(problem);
  const lock = documents[0] ?? {};
  const direct = new Set(textsOf(lock["DEPENDENCIES"]).map(rootName));
  const elsewhere = new Set(Object.keys(mapAt(lock, "EXTERNAL SOURCES")).map(rootName));
  const pods = podsOf(lock["PODS"]);
  const purls = new Map<string, string>();
  for (const { name, version } of pods) {
    if (!/^[A-Za-z0-9_][\w+.-]{0,100}$/.test(name) || !/^\d/.test(version)) gathering.malformed(name);
    else if (elsewhere.has(name)) gathering.unversioned(name);
    else {
      const purl = formatPurl({ type: "cocoapods", name, version });
      purls.set(name, purl);
      gathering.add({ purl, name, version, direct: direct.has(name) });
    }
  }
  for (const { name, needs } of pods) {
    const by = purls.get(name);
    for (const need of needs) {
      const needed = purls.get(rootName(need));
      if (by !== undefined && needed !== undefined) gathering.requires(by, needed);
    }
  }
  return gathering.extraction();
}

/** `- Name (1.0)`, or `- Name (1.0):` with a list of what it needs. */
function podsOf(value: YamlValue | undefined): Pod[] {
  return (Array.isArray(value) ? value : []).flatMap((item: YamlValue) => {
    const entries: [string, YamlValue][] = isYamlMap(item) ? Object.entries(item) : [[String(item), []]];
    return entries.map(([text, needs]) => ({
      name: rootName(text),
      version: /\(([^()]{1,100})\)$/.exec(text)?.[1] ?? "",
      needs: textsOf(needs),
    }));
  });
}

function textsOf(value: YamlValue | undefined): string[] {
  return (Array.isArray(value) ? value : []).filter((item) => typeof item === "string");
}

/** `AFNetworking` of `AFNetworking/Security (= 2.6)`. */
function rootName(text: string): string {
  return text.split(/[ /]/, 1)[0] ?? "";
}
