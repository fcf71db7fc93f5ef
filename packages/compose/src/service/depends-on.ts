import type { Dependency, Service } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readBoolean, readChoice, readItems, readMap, readText } from "../read.ts";
import type { Draft, Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

export const DEPENDENCY_FIELDS: Fields<Draft<Dependency>> = {
  readers: {
    condition: (draft, node, { problems }) => {
      draft.condition = readChoice(problems, node, [
        "service_started",
        "service_healthy",
        "service_completed_successfully",
      ]);
    },
    required: (draft, node, { problems }) => {
      draft.required = readBoolean(problems, node);
    },
    restart: (draft, node, { problems }) => {
      draft.restart = readBoolean(problems, node);
    },
  },
  refused: {},
};

/** `depends_on:` as names or with a condition each. */
export function readDependsOn(node: Node, scope: Scope): Service["dependsOn"] {
  const result: Record<string, Dependency> = {};
  if (node.kind !== "map") {
    for (const item of readItems(scope.problems, node)) {
      const name = readText(scope.problems, item);
      if (name === undefined) continue;
      scope.uses.push({ kind: "service", name, place: item.place });
      result[name] = { condition: "service_started", required: true, restart: false };
    }
    return result;
  }
  for (const [name, { keyPlace, node: value }] of node.entries) {
    const draft: Draft<Dependency> = {};
    const map = readMap(scope.problems, value);
    if (map !== undefined) readFields(map, DEPENDENCY_FIELDS, draft, scope);
    if (map !== undefined && !map.entries.has("condition"))
      scope.problems.add(keyPlace, "missing-field", "a dependency with settings needs condition");
    const required = draft.required ?? true;
    scope.uses.push({ kind: "service", name, place: keyPlace });
    result[name] = { condition: draft.condition ?? "service_started", required, restart: draft.restart ?? false };
  }
  return result;
}
