import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import type { Extraction, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { isPackageName, npmPurl } from "./purl.ts";
import { splitDescriptor } from "./yarn-classic.ts";

const MAX_LOCK_BYTES = 32 * 1024 * 1024;

/** `deno.lock`, versions 2 to 5: packages of npm and of JSR; modules by URL have no version. */
export const denoExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "npm-deno",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) => path.endsWith("deno.lock") && /(?:^|\/)deno\.lock$/.test(path) && !path.includes("node_modules/"),
  read: ({ bytes }) => readDeno(bytes),
};

type Registry = "npm" | "jsr";
type Groups = readonly (readonly [Registry, JsonObject])[];
const REGISTRIES: readonly Registry[] = ["npm", "jsr"];

interface Identity {
  readonly name: string;
  readonly version: string;
}

function readDeno(bytes: Buffer): Extraction {
  const parsed = parseJsonObject(bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const gathering = createGathering();
  const lock = parsed.value;
  const inner = isObject(lock["packages"]) ? lock["packages"] : lock;
  const specifiers = isObject(inner["specifiers"]) ? inner["specifiers"] : {};
  const direct = directKeys(lock, specifiers);
  const groups = REGISTRIES.map((registry) => [registry, packagesOf(inner[registry])] as const);
  for (const [registry, packages] of groups)
    for (const key of Object.keys(packages)) add(registry, key, direct?.has(`${registry}:${key}`), gathering);
  relate(groups, specifiers, gathering);
  if (isObject(lock["remote"])) for (const url of Object.keys(lock["remote"])) gathering.unversioned(withoutQuery(url));
  return gathering.extraction();
}

/** Version 2 keeps them one level deeper. */
function packagesOf(group: unknown): JsonObject {
  if (!isObject(group)) return {};
  return isObject(group["packages"]) ? group["packages"] : group;
}

/** What the project asks for, when the lock says so: `npm:chalk@5.3.0`. */
function directKeys(lock: JsonObject, specifiers: JsonObject): ReadonlySet<string> | undefined {
  const workspace = lock["workspace"];
  if (!isObject(workspace)) return undefined;
  const members = isObject(workspace["members"]) ? Object.values(workspace["members"]) : [];
  const asked = [workspace, ...members].filter(isObject).flatMap(askedFor);
  return new Set(asked.flatMap((specifier) => resolved(specifier, specifiers) ?? []));
}

/** The key, registry before it, that a specifier such as `jsr:@std/fs@1` was resolved to: version 3 keeps the whole key, 4 the version. */
function resolved(specifier: string, specifiers: JsonObject): string | undefined {
  const to = Object.hasOwn(specifiers, specifier) ? textOf(specifiers[specifier]) : undefined;
  const [, registry, name] = /^(npm|jsr):((?:@[^/]+\/)?[^@/]+)/.exec(specifier) ?? [];
  if (to === undefined || name === undefined) return undefined;
  return to.startsWith(`${registry}:`) ? to : `${registry}:${name}@${to}`;
}

function askedFor(member: JsonObject): string[] {
  const manifest = member["packageJson"];
  const lists = [member["dependencies"], isObject(manifest) ? manifest["dependencies"] : undefined];
  return lists.flatMap((list) => (Array.isArray(list) ? list : [])).filter((item) => typeof item === "string");
}

/** `name@1.2.3`, with the peers it was resolved with behind `_`. */
function identityOf(registry: Registry, key: string): Identity {
  const { name, range } = splitDescriptor(key);
  const version = range.split("_", 1)[0] ?? "";
  // JSR's own mapping to npm names, which no package of npm can take: `@std/fs` is `@jsr/std__fs`.
  return registry === "npm" ? { name, version } : { name: name.replace(/^@([^/]+)\//, "@jsr/$1__"), version };
}

function add(registry: Registry, key: string, direct: boolean | undefined, gathering: Gathering): void {
  const { name, version } = identityOf(registry, key);
  if (!isPackageName(name) || !/^\d/.test(version) || (registry === "jsr" && !name.startsWith("@jsr/")))
    gathering.malformed(key);
  else gathering.add({ purl: npmPurl(name, version), name, version, ...(direct === undefined ? {} : { direct }) });
}

/** Dependencies stand as a list of keys, specifiers or bare names (4), or as a map of names to keys (3). */
function needsOf(entry: unknown): string[] {
  const dependencies = isObject(entry) ? entry["dependencies"] : undefined;
  const list: readonly unknown[] = isObject(dependencies) ? Object.values(dependencies) : [dependencies].flat();
  return list.filter((item) => typeof item === "string");
}

/** All packages by `registry:key`, and by `registry:name` where one version of it is there. */
function indexOf(groups: Groups): ReadonlyMap<string, Identity | undefined> {
  const index = new Map<string, Identity | undefined>();
  for (const [registry, packages] of groups)
    for (const key of Object.keys(packages)) {
      const identity = identityOf(registry, key);
      const bare = `${registry}:${splitDescriptor(key).name}`;
      index.set(bare, index.has(bare) ? undefined : identity);
      index.set(`${registry}:${key}`, identity);
    }
  return index;
}

function relate(groups: Groups, specifiers: JsonObject, gathering: Gathering): void {
  const index = indexOf(groups);
  for (const [registry, packages] of groups)
    for (const [key, entry] of Object.entries(packages)) {
      const by = identityOf(registry, key);
      for (const need of needsOf(entry)) {
        const needed =
          index.get(resolved(need, specifiers) ?? "") ?? index.get(need) ?? index.get(`${registry}:${need}`);
        if (needed !== undefined)
          gathering.requires(npmPurl(by.name, by.version), npmPurl(needed.name, needed.version));
      }
    }
}

function withoutQuery(url: string): string {
  return url.replace(/\/\/[^/@\s]*@/, "//").split("?", 1)[0] ?? "";
}
