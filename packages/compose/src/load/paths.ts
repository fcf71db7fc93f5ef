import { escapeDollars } from "../template.ts";
import type { Entry, MapNode, Node, ScalarNode } from "../tree.ts";

/** `path` as seen from the folder that `folder` is relative to. Paths are POSIX; one that leaves that folder keeps its `..`. */
export function joinPath(folder: string, path: string): string {
  if (path.startsWith("/")) return path;
  const parts: string[] = [];
  const all = `${folder}/${path}`;
  for (const part of all.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  const joined = parts.join("/");
  if (all.startsWith("/") && folder !== "") return `/${joined}`;
  return joined === "" ? "." : joined;
}

/** The folder of a file; `""` for one in the folder itself. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "" : at === 0 ? "/" : path.slice(0, at);
}

/** `tree` of a file in `folder`, with the paths of what it reads as seen from the project's folder. */
export function rebase(tree: MapNode, folder: string): MapNode {
  if (folder === "") return tree;
  const move = (node: Node) => moved(node, folder);
  return change(tree, {
    services: each((service) => change(service, { env_file: move, label_file: move })),
    configs: each((config) => change(config, { file: move })),
    secrets: each((secret) => change(secret, { file: move })),
  });
}

type Changes = Readonly<Record<string, (node: Node) => Node>>;

function change(map: MapNode, changes: Changes): MapNode {
  const entries = new Map<string, Entry>();
  for (const [key, entry] of map.entries) {
    const apply = Object.hasOwn(changes, key) ? changes[key] : undefined;
    entries.set(key, apply === undefined ? entry : { ...entry, node: apply(entry.node) });
  }
  return { ...map, entries };
}

function each(apply: (map: MapNode) => MapNode): (node: Node) => Node {
  return (node) => {
    if (node.kind !== "map") return node;
    const entries = [...node.entries].map(([key, entry]): [string, Entry] => [
      key,
      { ...entry, node: entry.node.kind === "map" ? apply(entry.node) : entry.node },
    ]);
    return { ...node, entries: new Map(entries) };
  };
}

/** A path, a list of them, or the long form of `env_file`. */
function moved(node: Node, folder: string): Node {
  switch (node.kind) {
    case "scalar":
      return movedScalar(node, folder);
    case "list":
      return { ...node, items: node.items.map((item) => moved(item, folder)) };
    case "map":
      return change(node, { path: (path) => moved(path, folder) });
  }
}

function movedScalar(scalar: ScalarNode, folder: string): ScalarNode {
  if (typeof scalar.value !== "string" || scalar.value === "" || scalar.perDevice === true) return scalar;
  const value = joinPath(folder, scalar.value);
  return { ...scalar, value, source: value, template: escapeDollars(value) };
}
