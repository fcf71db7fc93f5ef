import { profilePath } from "../service/rights.ts";
import type { MapNode, Node } from "../tree.ts";

/** Bound on files that one compose file may name. */
const MAX_FILES = 200;

/** Paths under `env_file:`, `label_file:`, `configs:` and of seccomp profiles, each once. */
export function namedFiles(tree: MapNode): readonly string[] {
  const paths = new Set<string>();
  for (const service of members(tree, "services")) {
    const named = [...filePaths(member(service, "env_file")), ...filePaths(member(service, "label_file"))];
    for (const path of [...named, ...profilePaths(member(service, "security_opt"))]) paths.add(path);
  }
  for (const config of members(tree, "configs")) {
    const path = text(member(config, "file"));
    if (path !== undefined) paths.add(path);
  }
  return [...paths].slice(0, MAX_FILES);
}

function filePaths(node: Node | undefined): readonly string[] {
  if (node === undefined) return [];
  const items = node.kind === "list" ? node.items : [node];
  return items
    .map((item) => (item.kind === "map" ? text(member(item, "path")) : text(item)))
    .filter((path) => path !== undefined);
}

function profilePaths(node: Node | undefined): readonly string[] {
  const items = node?.kind === "list" ? node.items : [];
  return items.map((item) => profilePath(text(item) ?? "")).filter((path) => path !== undefined);
}

function members(tree: MapNode, key: string): readonly Node[] {
  const node = member(tree, key);
  return node?.kind === "map" ? [...node.entries.values()].map((entry) => entry.node) : [];
}

function member(node: Node, key: string): Node | undefined {
  return node.kind === "map" ? node.entries.get(key)?.node : undefined;
}

function text(node: Node | undefined): string | undefined {
  return node?.kind === "scalar" && typeof node.value === "string" && node.perDevice !== true ? node.value : undefined;
}
