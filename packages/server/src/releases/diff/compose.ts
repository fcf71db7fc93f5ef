import { canonicalJson } from "@flotilla/base/canonical-json";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { ComposeChange, FieldChange } from "@flotilla/protocol/api/release-diff";

const SECTIONS = ["services", "networks", "volumes", "configs", "secrets", "variables"] as const;
/** Longest value that is shown whole. */
const MAX_VALUE_CHARACTERS = 200;

/** What changes in the application, by section and name. Equal applications have no change. */
export function diffCompose(from: NormalisedApp, to: NormalisedApp): readonly ComposeChange[] {
  return SECTIONS.flatMap((section) =>
    namesOf(from[section], to[section]).flatMap((name): ComposeChange[] => {
      const [before, after] = [member(from[section], name), member(to[section], name)];
      if (before === undefined) return [{ section, name, change: "added", fields: [] }];
      if (after === undefined) return [{ section, name, change: "removed", fields: [] }];
      const fields = diffFields(before, after, "");
      return fields.length === 0 ? [] : [{ section, name, change: "changed", fields: [...fields] }];
    }),
  );
}

/** Objects are compared member by member, anything else (lists too, whose order matters) as one value. */
function diffFields(before: unknown, after: unknown, path: string): readonly FieldChange[] {
  if (isObject(before) && isObject(after))
    return namesOf(before, after).flatMap((name) =>
      diffFields(member(before, name), member(after, name), path === "" ? name : `${path}.${name}`),
    );
  if (
    canonicalJson(before ?? null) === canonicalJson(after ?? null) &&
    (before === undefined) === (after === undefined)
  )
    return [];
  if (before === undefined) return [{ field: path, change: "added", to: shown(after) }];
  if (after === undefined) return [{ field: path, change: "removed", from: shown(before) }];
  return [{ field: path, change: "changed", from: shown(before), to: shown(after) }];
}

function namesOf(a: object, b: object): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted();
}

function member(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = canonicalJson(value);
  return text.length <= MAX_VALUE_CHARACTERS ? text : `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…`;
}
