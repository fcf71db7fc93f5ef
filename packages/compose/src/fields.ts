import type { Problems } from "./problem.ts";
import type { Scope } from "./scope.ts";
import type { MapNode, Node } from "./tree.ts";

/** Fields of one place in the file: what reads each, and why each other is refused. Together they are all that compose knows. */
export interface Fields<Draft, S extends HasProblems = Scope> {
  readonly readers: Readonly<Record<string, (draft: Draft, node: Node, scope: S) => void>>;
  readonly refused: Readonly<Record<string, string>>;
}

export interface HasProblems {
  readonly problems: Problems;
}

/**
 * Reads every field of `map` into `draft`. A field that is refused or unknown is a problem; extension fields (`x-…`) other than
 * `x-flotilla` are skipped.
 */
export function readFields<Draft, S extends HasProblems>(
  map: MapNode,
  fields: Fields<Draft, S>,
  draft: Draft,
  scope: S,
): void {
  for (const [key, { keyPlace, node }] of map.entries) {
    const reader = Object.hasOwn(fields.readers, key) ? fields.readers[key] : undefined;
    if (reader !== undefined) reader(draft, node, scope);
    else if (key === "x-flotilla") scope.problems.add(keyPlace, "unknown-field", "x-flotilla has no meaning here");
    else if (!key.startsWith("x-")) refuse(key, keyPlace, fields, scope);
  }
}

function refuse<Draft, S extends HasProblems>(
  key: string,
  place: Node["place"],
  fields: Fields<Draft, S>,
  scope: S,
): void {
  const reason = Object.hasOwn(fields.refused, key) ? fields.refused[key] : undefined;
  if (reason !== undefined) {
    scope.problems.add(place, "unsupported-field", `${key} is not supported: ${reason}`);
    return;
  }
  const known = [...Object.keys(fields.readers), ...Object.keys(fields.refused)];
  const near = known.find((candidate) => isNear(candidate, key));
  const hint = near === undefined ? "compose has no such field" : `did you mean ${near}?`;
  scope.problems.add(place, "unknown-field", `unknown field ${key}: ${hint}`);
}

/** Equal but for separators and case, or one letter, or two swapped ones, away. */
function isNear(a: string, b: string): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
  if (plain(a) === plain(b)) return true;
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const span = Math.max(a.length, b.length) - start - end;
  return span <= 1 || (span === 2 && a[start] === b[start + 1] && a[start + 1] === b[start]);
}
