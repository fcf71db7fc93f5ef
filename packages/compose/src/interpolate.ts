import type { Place, Problems } from "./problem.ts";
import {
  type Failure,
  fillTemplate,
  parseTemplate,
  plainText,
  type Resolution,
  type TemplateResult,
} from "./template.ts";
import type { Entry, MapNode, Node, ScalarNode } from "./tree.ts";

export type Resolve = (name: string) => Resolution;

/**
 * Fills every text of a tree. Extension fields (`x-…`) are left out but for `x-flotilla`: what of them is used stands in the services by
 * anchors and merges, and is filled there.
 */
export function interpolateTree(root: MapNode, resolve: Resolve, problems: Problems): MapNode {
  return interpolateMap(root, resolve, problems);
}

/** Fills one text that stands at `place`: the result is a template, or undefined when a problem was added. */
export function interpolateText(text: string, place: Place, resolve: Resolve, problems: Problems): string | undefined {
  if (!text.includes("$")) return text;
  const filled = fill(text, resolve);
  if (filled.kind === "ok") return filled.value;
  reportFailure(filled.failure, place, problems);
  return undefined;
}

function fill(text: string, resolve: Resolve): TemplateResult<string> {
  const parsed = parseTemplate(text);
  return parsed.kind === "failed" ? parsed : fillTemplate(parsed.value, resolve);
}

function interpolateMap(map: MapNode, resolve: Resolve, problems: Problems): MapNode {
  const entries = new Map<string, Entry>();
  for (const [key, entry] of map.entries) {
    if (key.startsWith("x-") && key !== "x-flotilla") entries.set(key, entry);
    else entries.set(key, { ...entry, node: interpolateNode(entry.node, resolve, problems) });
  }
  return { ...map, entries };
}

function interpolateNode(node: Node, resolve: Resolve, problems: Problems): Node {
  switch (node.kind) {
    case "scalar":
      return interpolateScalar(node, resolve, problems);
    case "list":
      return { ...node, items: node.items.map((item) => interpolateNode(item, resolve, problems)) };
    case "map":
      return interpolateMap(node, resolve, problems);
  }
}

function interpolateScalar(node: ScalarNode, resolve: Resolve, problems: Problems): ScalarNode {
  if (typeof node.value !== "string") return node;
  const template = interpolateText(node.value, node.place, resolve, problems);
  if (template === undefined) return { ...node, broken: true };
  const value = template.includes("$") ? plainText(template) : template;
  return value === undefined
    ? { ...node, value: template, template, perDevice: true }
    : { ...node, value, template, source: value };
}

function reportFailure(failure: Failure, place: Place, problems: Problems): void {
  switch (failure.kind) {
    case "syntax":
      problems.add(place, "bad-interpolation", failure.message);
      return;
    case "unset":
      problems.add(
        place,
        "unresolved-variable",
        `${failure.name} has no value: set it in the environment or an --env-file to fix it in the release, give a fallback (\${${failure.name}:-…}), or name it under x-flotilla: variables: to fill it on each device`,
      );
      return;
    case "required":
      problems.add(place, "unresolved-variable", `${failure.name} must be set${suffix(failure.message)}`);
      return;
    case "too-long":
      problems.add(place, "too-large", "the text becomes too long");
      return;
  }
}

function suffix(message: string): string {
  return message === "" ? "" : `: ${message}`;
}
