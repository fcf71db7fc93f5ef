import { isYamlMap, mapAt, parseBlockYaml, textAt, type YamlMap } from "../block-yaml.ts";
import type { Extraction, WholeFileExtractor } from "../ecosystem.ts";
import { createGathering, type Gathering } from "../gathering.ts";
import { reachable } from "../reach.ts";
import { isPackageName, npmPurl } from "./purl.ts";

const MAX_LOCK_BYTES = 32 * 1024 * 1024;
const DEPENDENCIES = ["dependencies", "optionalDependencies"] as const;

/** `pnpm-lock.yaml`, lock versions 5 to 9. */
export const pnpmExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "npm-pnpm",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) =>
    path.endsWith("pnpm-lock.yaml") && /(?:^|\/)pnpm-lock\.yaml$/.test(path) && !path.includes("node_modules/"),
  read: ({ bytes }) => readPnpm(bytes),
};

/** A package of the lock, with the keys of what it needs. */
interface Node {
  readonly name: string;
  readonly version: string | undefined;
  readonly needs: readonly string[];
  /** Where the lock itself says so (before version 9). */
  readonly development: boolean | undefined;
}

function readPnpm(bytes: Buffer): Extraction {
  const gathering = createGathering();
  const { documents, problems } = parseBlockYaml(bytes);
  for (const problem of problems) gathering.problem(problem);
  for (const document of documents) readDocument(document, gathering);
  return gathering.extraction();
}

function readDocument(lock: YamlMap, gathering: Gathering): void {
  const nodes = nodesOf(lock);
  const importers = Object.values(mapAt(lock, "importers")).filter(isYamlMap);
  const projects = importers.length > 0 ? importers : [lock];
  const rootsOf = (groups: readonly string[]) =>
    new Set(projects.flatMap((project) => groups.flatMap((group) => keysOf(mapAt(project, group), nodes))));
  const production = rootsOf(DEPENDENCIES);
  const development = rootsOf(["devDependencies"]);
  const needsOf = (key: string) => nodes.get(key)?.needs ?? [];
  const used = reachable(production, needsOf);
  const usedInDevelopment = reachable(development, needsOf);
  for (const [key, node] of nodes) {
    const purl = addNode(node, gathering, {
      direct: production.has(key) || development.has(key),
      development: node.development ?? (!used.has(key) && usedInDevelopment.has(key)),
    });
    if (purl === undefined) continue;
    for (const need of node.needs) {
      const needed = nodes.get(need);
      if (needed?.version !== undefined) gathering.requires(purl, npmPurl(needed.name, needed.version));
    }
  }
}

/** Version 9 keeps the graph in `snapshots`, the versions before it in `packages`. */
function nodesOf(lock: YamlMap): ReadonlyMap<string, Node> {
  const packages = mapAt(lock, "packages");
  const snapshots = mapAt(lock, "snapshots");
  const graph = Object.keys(snapshots).length > 0 ? snapshots : packages;
  const keys = new Map(Object.keys(graph).map((key) => [key, undefined]));
  const nodes = new Map<string, Node>();
  for (const [key, value] of Object.entries(graph)) {
    const entry = isYamlMap(value) ? value : {};
    const facts = graph === packages ? entry : mapAt(packages, key.split("(", 1)[0] ?? key);
    const dev = textAt(entry, "dev");
    nodes.set(key, {
      ...identityOf(key, facts),
      needs: DEPENDENCIES.flatMap((group) => keysOf(mapAt(entry, group), keys)),
      development: dev === undefined ? undefined : dev === "true",
    });
  }
  return nodes;
}

/** Keys of the packages that a group of dependencies names; links to folders are none. */
function keysOf(group: YamlMap, nodes: ReadonlyMap<string, unknown>): string[] {
  return Object.entries(group).flatMap(([alias, value]) => {
    const reference = isYamlMap(value) ? textAt(value, "version") : typeof value === "string" ? value : undefined;
    if (reference === undefined) return [];
    const candidates = [`${alias}@${reference}`, `/${alias}@${reference}`, `/${alias}/${reference}`, reference];
    return candidates.filter((key) => nodes.has(key)).slice(0, 1);
  });
}

/** From `foo@1.0.0(peer@2)` (9), `/foo@1.0.0(peer@2)` (6), `/foo/1.0.0_peer@2` (5); what is not of a registry has its name in the entry. */
function identityOf(key: string, entry: YamlMap): Pick<Node, "name" | "version"> {
  const bare = (key.split("(", 1)[0] ?? "").replace(/^\//, "");
  const named = textAt(entry, "name");
  const resolution = mapAt(entry, "resolution");
  const isElsewhere = ["tarball", "repo", "directory"].some((field) => textAt(resolution, field) !== undefined);
  const at = bare.indexOf("@", 1);
  const split = at > 0 && !/^[^@]+\/\d/.test(bare) && !/^@[^/]+\/[^/]+\/\d/.test(bare) ? at : lastNameSlash(bare);
  const name = split < 0 ? bare : bare.slice(0, split);
  const version = split < 0 ? undefined : bare.slice(split + 1).split("_", 1)[0];
  if (named !== undefined)
    return { name: named, version: isElsewhere ? undefined : (textAt(entry, "version") ?? version) };
  return { name, version };
}

/** The slash before the version of `@scope/name/1.0.0` or `name/1.0.0_peer`. */
function lastNameSlash(key: string): number {
  return key.indexOf("/", key.startsWith("@") ? key.indexOf("/") + 1 : 0);
}

function addNode(
  { name, version }: Node,
  gathering: Gathering,
  flags: { readonly direct: boolean; readonly development: boolean },
): string | undefined {
  if (!isPackageName(name)) {
    gathering.malformed(name);
    return undefined;
  }
  if (version === undefined || !/^\d/.test(version)) {
    gathering.unversioned(name);
    return undefined;
  }
  const purl = npmPurl(name, version);
  gathering.add({ purl, name, version, ...flags });
  return purl;
}
