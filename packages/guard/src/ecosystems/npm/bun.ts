import { isObject, type JsonObject, textOf } from "../../json.ts";
import { parseJsoncObject } from "../../jsonc.ts";
import type { Extraction, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering } from "../gathering.ts";
import { reachable } from "../reach.ts";
import { isPackageName, npmPurl } from "./purl.ts";
import { splitDescriptor } from "./yarn-classic.ts";

const MAX_LOCK_BYTES = 32 * 1024 * 1024;
/** Folders within folders of one key; nothing real is deeper. */
const MAX_PARTS = 64;

/** `bun.lock`, the text form (JSON with comments and trailing commas). */
export const bunExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "npm-bun",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("bun.lock") && /(?:^|\/)bun\.lock$/.test(path) && !path.includes("node_modules/"),
  read: ({ bytes }) => readBun(bytes),
};

interface Entry {
  readonly name: string;
  readonly range: string;
  readonly needs: readonly string[];
}

/** `packages` maps the way to a folder (`name`, `parent/name`) to `["name@version", registry, { dependencies }, integrity]`. */
function readBun(bytes: Buffer): Extraction {
  const gathering = createGathering();
  const parsed = parseJsoncObject(bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const packages = parsed.value["packages"];
  const workspaces = parsed.value["workspaces"];
  if (!isObject(packages) || !isObject(workspaces))
    return { packages: [], problems: ["malformed: no packages and workspaces"] };
  const entries = entriesOf(packages);
  const projects = Object.values(workspaces).filter(isObject);
  const production = new Set(projects.flatMap((project) => namesOf(project, ["dependencies", "optionalDependencies"])));
  const development = new Set(projects.flatMap((project) => namesOf(project, ["devDependencies"])));
  const needsOf = (key: string) => (entries.get(key)?.needs ?? []).flatMap((need) => resolve(key, need, entries) ?? []);
  const used = reachable(production, needsOf);
  const usedInDevelopment = reachable(development, needsOf);
  for (const [key, { name, range }] of entries) {
    const version = range.startsWith("npm:") ? range.slice(4) : range;
    if (!isPackageName(name)) gathering.malformed(name);
    else if (range.startsWith("workspace:")) continue;
    else if (!/^\d/.test(version)) gathering.unversioned(name);
    else {
      const purl = npmPurl(name, version);
      const isDevelopment = !used.has(key) && usedInDevelopment.has(key);
      gathering.add({
        purl,
        name,
        version,
        direct: production.has(key) || development.has(key),
        ...(isDevelopment ? { development: true } : {}),
      });
      for (const needed of needsOf(key).map((other) => entries.get(other)))
        if (needed !== undefined) gathering.requires(purl, npmPurl(needed.name, needed.range));
    }
  }
  return gathering.extraction();
}

function entriesOf(packages: JsonObject): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [key, value] of Object.entries(packages)) {
    if (!Array.isArray(value)) continue;
    const info: unknown = value.find(isObject);
    const needs = isObject(info) ? namesOf(info, ["dependencies", "optionalDependencies"]) : [];
    entries.set(key, { ...splitDescriptor(textOf(value[0]) ?? ""), needs });
  }
  return entries;
}

function namesOf(project: JsonObject, groups: readonly string[]): string[] {
  return groups.flatMap((group) => (isObject(project[group]) ? Object.keys(project[group]) : []));
}

/** The nearest folder that has it, as Node looks for modules. */
function resolve(from: string, need: string, entries: ReadonlyMap<string, Entry>): string | undefined {
  const parts = from.match(/(?:@[^/]+\/)?[^/]+/g)?.slice(0, MAX_PARTS) ?? [];
  for (let length = parts.length; length >= 0; length--) {
    const key = [...parts.slice(0, length), need].join("/");
    if (entries.has(key)) return key;
  }
  return undefined;
}
