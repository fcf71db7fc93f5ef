import type { JsonObject } from "../../json.ts";
import { type Extraction, type FoundPackage, NOTHING, type WholeFile, type WholeFileExtractor } from "../ecosystem.ts";
import { areCoordinates, type Coordinates, mavenPackage } from "./purl.ts";
import { childOf, childrenOf, parseXml, xmlText } from "./xml.ts";

const MAX_POM_BYTES = 4 * 1024 * 1024;
const MAX_DEPENDENCIES = 20_000;
const MAX_PROPERTIES = 20_000;
/** Properties may name properties. */
const MAX_ROUNDS = 10;
const MAX_VALUE_LENGTH = 512;

/** A Maven project (Maven, "POM Reference"): its dependencies with versions from itself, its properties and its `dependencyManagement`. */
export const pomExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "maven-pom",
  maxBytes: MAX_POM_BYTES,
  wants: (path) => path.endsWith("pom.xml") && /(?:^|\/)pom\.xml$/.test(path) && !path.includes("META-INF/maven/"),
  read: readPom,
};

function readPom(file: WholeFile): Extraction {
  const document = parseXml(file.bytes, "project");
  if (document.kind === "bad") return { ...NOTHING, problems: [document.reason] };
  const { value: project } = document;
  const properties = propertiesOf(project);
  const managed = managedVersions(project, properties);
  const lines = linesOf(file.bytes);
  const packages: FoundPackage[] = [];
  const unresolved: string[] = [];
  const dependencies = childrenOf(childOf(project, "dependencies"), "dependency");
  for (const dependency of dependencies.slice(0, MAX_DEPENDENCIES)) {
    const coordinates = coordinatesOf(dependency, properties);
    const key = `${coordinates.group}:${coordinates.artifact}`;
    const version = coordinates.version === "" ? (managed.get(key) ?? "") : coordinates.version;
    if (areCoordinates({ ...coordinates, version })) {
      const line = lines.get(coordinates.artifact);
      packages.push(
        mavenPackage(
          { ...coordinates, version },
          {
            evidence: "declared",
            direct: true,
            ...(xmlText(dependency, "scope") === "test" ? { development: true } : {}),
            ...(line === undefined ? {} : { line }),
          },
        ),
      );
    } else unresolved.push(key.slice(0, 200));
  }
  const problems = unresolved.length === 0 ? [] : [sayUnresolved(unresolved, childOf(project, "parent") !== undefined)];
  if (dependencies.length > MAX_DEPENDENCIES) problems.push(`too-many-packages: more than ${MAX_DEPENDENCIES}`);
  return { packages, problems };
}

function sayUnresolved(names: readonly string[], hasParent: boolean): string {
  const few = names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
  const whose = hasParent ? "their parent or an imported list" : "an imported list, a range or a property";
  return `unresolved: ${names.length} dependencies take their version from ${whose} (${few})`;
}

type Properties = ReadonlyMap<string, string>;

function propertiesOf(project: JsonObject): Properties {
  const parent = childOf(project, "parent");
  const properties = new Map<string, string>();
  const declared = childOf(project, "properties");
  for (const name of Object.keys(declared ?? {}).slice(0, MAX_PROPERTIES)) {
    const value = xmlText(declared, name);
    if (value !== undefined) properties.set(name, value);
  }
  for (const [name, member] of [
    ["version", "version"],
    ["groupId", "groupId"],
  ] as const) {
    const above = xmlText(parent, member);
    const own = xmlText(project, member) ?? above;
    if (own !== undefined) for (const prefix of ["project.", "pom.", ""]) properties.set(prefix + name, own);
    if (above !== undefined) for (const prefix of ["project.parent.", "parent."]) properties.set(prefix + name, above);
  }
  return properties;
}

/** Versions that `dependencyManagement` sets; lists that it imports are in other files. */
function managedVersions(project: JsonObject, properties: Properties): ReadonlyMap<string, string> {
  const managed = new Map<string, string>();
  const list = childOf(childOf(project, "dependencyManagement"), "dependencies");
  for (const entry of childrenOf(list, "dependency").slice(0, MAX_DEPENDENCIES)) {
    if (xmlText(entry, "scope") === "import") continue;
    const { group, artifact, version } = coordinatesOf(entry, properties);
    if (version !== "") managed.set(`${group}:${artifact}`, version);
  }
  return managed;
}

/** Coordinates with properties filled in; `[1.2]` is the version 1.2 and no other. */
function coordinatesOf(dependency: JsonObject, properties: Properties): Coordinates {
  const filled = (name: string) => fill(xmlText(dependency, name) ?? "", properties);
  return {
    group: filled("groupId"),
    artifact: filled("artifactId"),
    version: filled("version").replace(/^\[([^,\]]+)\]$/, "$1"),
  };
}

function fill(text: string, properties: Properties): string {
  let filled = text;
  for (let round = 0; round < MAX_ROUNDS && filled.includes("${"); round++) {
    const next = filled.replace(
      /\$\{([^${}]{1,200})\}/g,
      (whole, name: string) => properties.get(name.trim()) ?? whole,
    );
    if (next === filled || next.length > MAX_VALUE_LENGTH) return filled;
    filled = next;
  }
  return filled;
}

/** Where an artifact is first named. */
function linesOf(bytes: Buffer): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  for (const [index, line] of bytes.toString("utf8").split("\n").entries()) {
    const at = line.indexOf("<artifactId>");
    const end = at < 0 ? -1 : line.indexOf("<", at + 12);
    if (end < 0) continue;
    const name = line.slice(at + 12, end).trim();
    if (!lines.has(name)) lines.set(name, index + 1);
  }
  return lines;
}
