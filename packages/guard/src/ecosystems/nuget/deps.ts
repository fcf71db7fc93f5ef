import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import type { Extraction, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { isNugetId, nugetPurl } from "./purl.ts";

const MAX_DEPS_BYTES = 16 * 1024 * 1024;
const RUNTIME_PACK = "runtimepack.";
const ASSETS = ["runtime", "native", "runtimeTargets", "resources"] as const;

/** `*.deps.json` of a published .NET program: what lies beside it, its framework too when it carries one. */
export const depsExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "nuget-deps",
  maxBytes: MAX_DEPS_BYTES,
  wants: (path) => path.endsWith(".deps.json"),
  read: readDeps,
};

function readDeps(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const libraries = parsed.value["libraries"];
  const targets = parsed.value["targets"];
  if (!isObject(libraries)) return { packages: [], problems: ["malformed: no libraries"] };
  const target = targetOf(parsed.value["runtimeTarget"], isObject(targets) ? targets : {});
  const gathering = createGathering();
  const direct = directKeys(libraries, target);
  for (const [key, library] of Object.entries(libraries)) {
    const type = isObject(library) ? textOf(library["type"]) : undefined;
    if (type !== "package" && type !== "runtimepack") continue;
    if (isThere(target, key)) addLibrary(key, direct.has(key), gathering);
  }
  relate(libraries, target, gathering);
  return gathering.extraction();
}

/** The target that runs; a document has others for other platforms. */
function targetOf(runtimeTarget: unknown, targets: JsonObject): JsonObject {
  const name = isObject(runtimeTarget) ? textOf(runtimeTarget["name"]) : textOf(runtimeTarget);
  const target = name !== undefined && Object.hasOwn(targets, name) ? targets[name] : Object.values(targets)[0];
  return isObject(target) ? target : {};
}

/** A library without a file in the target comes with the framework and is not in this folder. */
function isThere(target: JsonObject, key: string): boolean {
  const entry = target[key];
  return !isObject(entry) || ASSETS.some((asset) => entry[asset] !== undefined);
}

function identityOf(key: string): { readonly name: string; readonly version: string } {
  const [id = "", version = ""] = key.split("/", 2);
  return { name: id.startsWith(RUNTIME_PACK) ? id.slice(RUNTIME_PACK.length) : id, version };
}

function addLibrary(key: string, direct: boolean, gathering: Gathering): void {
  const { name, version } = identityOf(key);
  if (!isNugetId(name) || !/^\d/.test(version)) gathering.malformed(key);
  else gathering.add({ purl: nugetPurl(name, version), name, version, evidence: "installed", direct });
}

/** `name/version` of what an entry of the target needs. */
function needsOf(target: JsonObject, key: string): string[] {
  const entry = target[key];
  const dependencies = isObject(entry) ? entry["dependencies"] : undefined;
  if (!isObject(dependencies)) return [];
  return Object.entries(dependencies).map(([name, version]) => `${name}/${textOf(version, 256) ?? ""}`);
}

function directKeys(libraries: JsonObject, target: JsonObject): ReadonlySet<string> {
  const projects = Object.entries(libraries).filter(([, item]) => isObject(item) && item["type"] === "project");
  return new Set(projects.flatMap(([key]) => needsOf(target, key)));
}

function relate(libraries: JsonObject, target: JsonObject, gathering: Gathering): void {
  for (const key of Object.keys(libraries)) {
    const by = identityOf(key);
    for (const need of needsOf(target, key)) {
      const needed = identityOf(need);
      gathering.requires(nugetPurl(by.name, by.version), nugetPurl(needed.name, needed.version));
    }
  }
}
