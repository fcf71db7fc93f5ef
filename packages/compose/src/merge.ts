import type { Entry, ListNode, MapNode, Node, ScalarNode } from "./tree.ts";

/**
 * Merges compose files, later ones over earlier ones, as compose does (compose-spec, 13-merge.md): mappings are merged, lists appended,
 * single values replaced; commands and tests are replaced whole, what is a mapping in short form is merged by its keys, mounts by their
 * target.
 */
export function mergeTrees(trees: readonly MapNode[]): MapNode | undefined {
  const [first, ...others] = trees;
  return first === undefined ? undefined : others.reduce((below, above) => mergeMaps(below, above, []), first);
}

const REPLACED = new Set(["command", "entrypoint", "test"]);
const KEYED = new Set([
  "environment",
  "labels",
  "sysctls",
  "extra_hosts",
  "options",
  "driver_opts",
  "depends_on",
  "networks",
]);
const BY_TARGET = new Set(["volumes", "configs", "secrets", "devices"]);

function mergeMaps(below: MapNode, above: MapNode, path: readonly string[]): MapNode {
  const entries = new Map(below.entries);
  for (const [key, entry] of above.entries) {
    const before = entries.get(key);
    const node = before === undefined ? entry.node : mergeNodes(before.node, entry.node, [...path, key]);
    entries.set(key, { ...entry, node });
  }
  return { ...above, entries };
}

function mergeNodes(below: Node, above: Node, path: readonly string[]): Node {
  const key = path.at(-1) ?? "";
  if (REPLACED.has(key) && path[0] === "services") return above;
  if (above.kind === "scalar" && above.value === null) return below;
  if (KEYED.has(key) && path.length > 2) {
    const a = keyed(below, key);
    const b = keyed(above, key);
    if (a !== undefined && b !== undefined) return mergeMaps(a, b, path);
  }
  if (below.kind === "map" && above.kind === "map") return mergeMaps(below, above, path);
  if (below.kind === "list" && above.kind === "list") return mergeLists(below, above, key);
  return above;
}

function mergeLists(below: ListNode, above: ListNode, key: string): ListNode {
  const identify = BY_TARGET.has(key) ? targetOf : textOf;
  const replaced = new Set(above.items.map(identify).filter((name) => name !== undefined));
  const kept = below.items.filter((item) => {
    const name = identify(item);
    return name === undefined || !replaced.has(name);
  });
  return { ...above, items: [...kept, ...above.items] };
}

/** A list of `KEY=value`, `KEY:value` or names as the mapping it stands for. */
function keyed(node: Node, field: string): MapNode | undefined {
  if (node.kind === "map") return node;
  if (node.kind !== "list") return undefined;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    if (item.kind !== "scalar" || typeof item.value !== "string") return undefined;
    const match = /^([^=:]+)[=:]?(.*)$/s.exec(item.value);
    const [, key = "", value = ""] = match ?? [];
    const bare = key.length === item.value.length;
    const node: Node = field === "depends_on" ? started(item) : { ...item, value: bare ? null : value, source: value };
    entries.set(key, { keyPlace: item.place, node });
  }
  return { kind: "map", place: node.place, entries };
}

/** A dependency given as a name only. */
function started(item: ScalarNode): MapNode {
  const condition: Entry = { keyPlace: item.place, node: { ...item, value: "service_started", source: "" } };
  return { kind: "map", place: item.place, entries: new Map([["condition", condition]]) };
}

function textOf(node: Node): string | undefined {
  return node.kind === "scalar" ? String(node.value) : undefined;
}

function targetOf(node: Node): string | undefined {
  if (node.kind === "map") {
    const target = node.entries.get("target")?.node ?? node.entries.get("source")?.node;
    return target === undefined ? undefined : textOf(target);
  }
  const text = textOf(node);
  const pieces = text?.split(":");
  return pieces === undefined ? undefined : (pieces[1] ?? pieces[0]);
}
