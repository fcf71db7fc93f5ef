import type { Variable } from "./app.ts";
import { type Fields, readFields } from "./fields.ts";
import type { Place } from "./problem.ts";
import { readItems, readMap, readText } from "./read.ts";
import type { Draft, Scope } from "./scope.ts";
import { valuelessNames } from "./service/environment.ts";
import type { MapNode, Node } from "./tree.ts";

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

const VARIABLE_FIELDS: Fields<Draft<Variable>> = {
  readers: {
    default: (draft, node, { problems }) => {
      draft.default = readText(problems, node);
    },
    description: (draft, node, { problems }) => {
      draft.description = readText(problems, node);
    },
  },
  refused: {},
};

const EXTENSION_FIELDS: Fields<object> = {
  readers: { variables: (_, node, scope) => readVariables(node, scope) },
  refused: {},
};

/** `x-flotilla:` at the top: `variables:` as names, or with a default (`SITE: oslo`) or `{ default, description }` each. */
export function readExtension(node: Node, scope: Scope): void {
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, EXTENSION_FIELDS, {}, scope);
}

function readVariables(node: Node, scope: Scope): void {
  if (node.kind !== "map") {
    for (const item of readItems(scope.problems, node)) {
      const name = readText(scope.problems, item);
      if (name !== undefined) declare(name, {}, item.place, scope);
    }
    return;
  }
  for (const [name, { keyPlace, node: value }] of node.entries) {
    const draft: Draft<Variable> = {};
    if (value.kind === "map") readFields(value, VARIABLE_FIELDS, draft, scope);
    else if (value.kind === "list" || value.value !== null) draft.default = readText(scope.problems, value);
    const { default: fallback, description } = draft;
    declare(
      name,
      {
        ...(fallback === undefined ? {} : { default: fallback }),
        ...(description === undefined ? {} : { description }),
      },
      keyPlace,
      scope,
    );
  }
}

function declare(name: string, variable: Variable, place: Place, scope: Scope): void {
  if (VARIABLE_NAME.test(name)) scope.variables.set(name, variable);
  else scope.problems.add(place, "bad-value", `${name} is no name of a variable: letters, digits and _`);
}

/** Names whose `${…}` are for the device, read before anything is filled in. */
export interface DeviceNames {
  /** Never filled at release time, whatever the environment holds: declared ones, and those that secrets come from. */
  readonly always: ReadonlySet<string>;
  /** `environment:` keys without a value: filled at release time elsewhere when the environment has them. */
  readonly otherwise: ReadonlySet<string>;
}

export function deviceNames(root: MapNode): DeviceNames {
  const always = new Set<string>();
  const variables = child(child(root, "x-flotilla"), "variables");
  if (variables?.kind === "map") for (const name of variables.entries.keys()) always.add(name);
  if (variables?.kind === "list")
    for (const item of variables.items)
      if (item.kind === "scalar" && typeof item.value === "string") always.add(item.value);
  for (const secret of children(child(root, "secrets"))) {
    const source = child(secret, "environment");
    if (source?.kind === "scalar" && typeof source.value === "string") always.add(source.value);
  }
  const otherwise = new Set<string>();
  for (const service of children(child(root, "services"))) {
    const environment = child(service, "environment");
    if (environment !== undefined) for (const name of valuelessNames(environment)) otherwise.add(name);
  }
  return { always, otherwise };
}

function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === "map" ? node.entries.get(key)?.node : undefined;
}

function children(node: Node | undefined): readonly Node[] {
  return node?.kind === "map" ? [...node.entries.values()].map((entry) => entry.node) : [];
}
