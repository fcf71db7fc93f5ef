import type { Problems } from "../problem.ts";
import type { Entry, ListNode, MapNode, Node } from "../tree.ts";
import { hostList, identity, keyedBy, type ListRule, pairMap, ruleOf } from "./merge-rules.ts";

/**
 * Merges compose files, later ones over earlier ones, as compose does (compose-spec, 13-merge.md): mappings are merged, lists appended,
 * single values replaced; commands and tests are replaced whole, what is a mapping in short form is merged by its keys, mounts by their
 * target. What `!reset` and `!override` say is done, and no tag is left.
 */
export function mergeTrees(trees: readonly MapNode[], problems: Problems): MapNode | undefined {
  const [first, ...others] = trees;
  return first === undefined
    ? undefined
    : others.reduce((below, above) => mergeMaps(below, above, [], problems), settleMap(first));
}

/** One service over the one it extends. */
export function mergeServices(below: MapNode, above: MapNode, problems: Problems): MapNode {
  return mergeMaps(settleMap(below), above, ["services", "*"], problems);
}

/** `map` without what is reset in it, and without tags. */
export function settleMap(map: MapNode): MapNode {
  const entries = new Map<string, Entry>();
  for (const [key, entry] of map.entries)
    if (entry.node.replaces !== "reset") entries.set(key, { ...entry, node: settle(entry.node) });
  const { replaces: _, ...rest } = map;
  return { ...rest, entries };
}

function settle(node: Node): Node {
  const { replaces: _, ...rest } = node;
  switch (rest.kind) {
    case "scalar":
      return rest;
    case "list":
      return { ...rest, items: rest.items.filter((item) => item.replaces !== "reset").map(settle) };
    case "map":
      return settleMap(rest);
  }
}

function mergeMaps(below: MapNode, above: MapNode, path: readonly string[], problems: Problems): MapNode {
  const entries = new Map(below.entries);
  for (const [key, entry] of above.entries) {
    const before = entries.get(key);
    if (entry.node.replaces === "reset") entries.delete(key);
    else if (before === undefined || entry.node.replaces === "override")
      entries.set(key, { ...entry, node: settle(entry.node) });
    else entries.set(key, { ...entry, node: mergeNodes(before.node, entry.node, [...path, key], problems) });
  }
  const { replaces: _, ...rest } = above;
  return { ...rest, entries };
}

function mergeNodes(below: Node, above: Node, path: readonly string[], problems: Problems): Node {
  const rule = ruleOf(path);
  switch (rule) {
    case "replace":
      return settle(above);
    case "pairs":
      return mergePairs(below, above, path, problems);
    case "names":
    case "dependencies": {
      const [a, b] = [keyedBy(below, rule), keyedBy(above, rule)];
      return a === undefined || b === undefined
        ? mergeAny(below, above, path, problems)
        : mergeMaps(a, b, path, problems);
    }
    case "hosts":
      return mergeLists(hostList(below), hostList(above), "text");
    case "logging":
      return sameDriver(below, above) ? mergeAny(below, above, path, problems) : settle(above);
    case "subnets":
      return mergeSubnets(below, above, path, problems);
    case "texts":
    case "sequence":
    case "targets":
    case "tmpfs":
    case "configs":
    case "secrets":
    case "list":
      return mergeAny(below, above, path, problems, rule);
  }
}

function mergeAny(
  below: Node,
  above: Node,
  path: readonly string[],
  problems: Problems,
  rule: ListRule = "list",
): Node {
  if (above.kind === "scalar" && above.value === null) return below;
  if (below.kind === "map" && above.kind === "map") return mergeMaps(below, above, path, problems);
  const sequence = rule === "sequence" || rule === "tmpfs";
  const [a, b] = sequence ? [asList(below), asList(above)] : [below, above];
  if (a.kind === "list" && b.kind === "list") return mergeLists(a, b, rule);
  if (below.kind !== "scalar" && below.kind !== above.kind)
    problems.add(above.place, "bad-value", `this cannot be merged over the ${below.kind} of ${below.place.file}`);
  return settle(above);
}

/** `KEY=value` lists and mappings; a key without a value wins too, since it means the environment's. */
function mergePairs(below: Node, above: Node, path: readonly string[], problems: Problems): Node {
  const [a, b] = [pairMap(below), pairMap(above)];
  if (a === undefined || b === undefined) return mergeAny(below, above, path, problems);
  const entries = new Map(a.entries);
  for (const [key, entry] of b.entries)
    if (entry.node.replaces === "reset") entries.delete(key);
    else entries.set(key, { ...entry, node: settle(entry.node) });
  return { ...b, entries };
}

/** What is known by the same name is replaced where it stands; the rest is appended. */
function mergeLists(below: ListNode, above: ListNode, rule: ListRule): ListNode {
  const items: Node[] = [...below.items];
  const places = new Map<string, number>();
  for (const [at, item] of below.items.entries()) {
    const name = identity(item, rule);
    if (name !== undefined) places.set(name, at);
  }
  for (const item of above.items) {
    if (item.replaces === "reset") continue;
    const name = identity(item, rule);
    const at = name === undefined ? undefined : places.get(name);
    if (at !== undefined) items[at] = settle(item);
    else if (name === undefined) items.push(settle(item));
    else places.set(name, items.push(settle(item)) - 1);
  }
  return { kind: "list", place: above.place, items };
}

function mergeSubnets(below: Node, above: Node, path: readonly string[], problems: Problems): Node {
  if (below.kind !== "list" || above.kind !== "list") return mergeAny(below, above, path, problems);
  const items = [...below.items];
  for (const pool of above.items) {
    const at = items.findIndex((item) => subnetOf(item) !== undefined && subnetOf(item) === subnetOf(pool));
    const before = items[at];
    if (before?.kind === "map" && pool.kind === "map") items[at] = mergeMaps(before, pool, path, problems);
    else items.push(settle(pool));
  }
  return { kind: "list", place: above.place, items };
}

function subnetOf(node: Node): string | undefined {
  const subnet = node.kind === "map" ? node.entries.get("subnet")?.node : undefined;
  return subnet?.kind === "scalar" ? String(subnet.value) : undefined;
}

function sameDriver(below: Node, above: Node): boolean {
  const [a, b] = [driverOf(below), driverOf(above)];
  return a === undefined || b === undefined || a === b;
}

function driverOf(node: Node): string | undefined {
  const driver = node.kind === "map" ? node.entries.get("driver")?.node : undefined;
  return driver?.kind === "scalar" ? String(driver.value) : undefined;
}

function asList(node: Node): Node {
  return node.kind === "scalar" && node.value !== null ? { kind: "list", place: node.place, items: [node] } : node;
}
