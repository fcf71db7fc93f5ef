import { isYamlMap, mapAt, parseBlockYaml, textAt, type YamlMap } from "../block-yaml.ts";
import type { Extraction } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { isPackageName, npmPurl } from "./purl.ts";
import { splitDescriptor } from "./yarn-classic.ts";

/** Yarn 2 and newer: YAML, with the project's own folders (`workspace:`) among the packages. It does not say what is for development. */
export function readYarnBerry(bytes: Buffer): Extraction {
  const gathering = createGathering();
  const { documents, problems } = parseBlockYaml(bytes);
  for (const problem of problems) gathering.problem(problem);
  const entries = Object.entries(documents[0] ?? {}).flatMap(([descriptors, entry]) =>
    descriptors === "__metadata" || !isYamlMap(entry) ? [] : [{ descriptors: descriptors.split(/,\s*/), entry }],
  );
  const purls = new Map<string, string>();
  const wanted = directDescriptors(entries.map(({ entry }) => entry));
  for (const { descriptors, entry } of entries) {
    const direct = descriptors.some((descriptor) => wanted.has(descriptor));
    const purl = addEntry(entry, direct, gathering);
    if (purl !== undefined) for (const descriptor of descriptors) purls.set(descriptor, purl);
  }
  for (const { descriptors, entry } of entries) {
    const by = purls.get(descriptors[0] ?? "");
    if (by === undefined) continue;
    for (const need of needsOf(entry)) {
      const needed = purls.get(need);
      if (needed !== undefined) gathering.requires(by, needed);
    }
  }
  return gathering.extraction();
}

/** What the project's own folders ask for. */
function directDescriptors(entries: readonly YamlMap[]): ReadonlySet<string> {
  return new Set(entries.filter((entry) => textAt(entry, "resolution")?.includes("@workspace:")).flatMap(needsOf));
}

/** Descriptors of an entry's dependencies; before Yarn 4 the protocol `npm:` is left out of ranges. */
function needsOf(entry: YamlMap): string[] {
  return Object.entries(mapAt(entry, "dependencies")).map(([name, range]) => {
    const text = typeof range === "string" ? range : "";
    return /^[a-z+]+:/.test(text) ? `${name}@${text}` : `${name}@npm:${text}`;
  });
}

/** `resolution: "name@npm:1.2.3"`; a patch of a package is still that package. */
function addEntry(entry: YamlMap, direct: boolean, gathering: Gathering): string | undefined {
  const { name, range } = splitDescriptor(textAt(entry, "resolution") ?? "");
  const version = textAt(entry, "version");
  if (range.startsWith("workspace:")) return undefined;
  if (!isPackageName(name)) {
    gathering.malformed(name);
    return undefined;
  }
  const isRegistry = range.startsWith("npm:") || (range.startsWith("patch:") && /@npm(?::|%3A)/.test(range));
  if (!isRegistry || version === undefined || !/^\d/.test(version)) {
    gathering.unversioned(name);
    return undefined;
  }
  const purl = npmPurl(name, version);
  gathering.add({ purl, name, version, direct });
  return purl;
}
