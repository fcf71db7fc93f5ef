import { matches, parseSelector, type Selectable } from "../devices/selector.ts";

/** A value of one scope, opened. */
export interface ScopedValue {
  readonly name: string;
  readonly scope: "project" | "group" | "device";
  /** Empty, the selector, or the device's id. */
  readonly scopeOf: string;
  readonly priority: number;
  readonly value: string;
}

export interface Resolved {
  readonly values: Readonly<Record<string, string>>;
  /** Names without a value anywhere, in order. */
  readonly missing: readonly string[];
}

const RANK = { project: 0, group: 1, device: 2 } as const;

/**
 * The values that `device` gets for what a release asks for, and no others: project, then groups that the device is in by ascending priority and
 * then text of the selector, then the device's own; the last one wins. A declared default comes before them all.
 */
export function resolveVariables(
  wanted: Readonly<Record<string, { readonly default?: string }>>,
  values: readonly ScopedValue[],
  device: Selectable,
): Resolved {
  const found = new Map<string, string>();
  for (const [name, { default: text }] of Object.entries(wanted)) if (text !== undefined) found.set(name, text);
  for (const value of [...values].sort(byPrecedence))
    if (Object.hasOwn(wanted, value.name) && concerns(value, device)) found.set(value.name, value.value);
  const names = Object.keys(wanted).sort();
  return {
    values: Object.fromEntries(names.flatMap((name) => (found.has(name) ? [[name, found.get(name) ?? ""]] : []))),
    missing: names.filter((name) => !found.has(name)),
  };
}

function concerns(value: ScopedValue, device: Selectable): boolean {
  switch (value.scope) {
    case "project":
      return true;
    case "group":
      return matches(parseSelector(value.scopeOf), device);
    case "device":
      return value.scopeOf === device.id;
  }
}

function byPrecedence(a: ScopedValue, b: ScopedValue): number {
  return (
    RANK[a.scope] - RANK[b.scope] ||
    a.priority - b.priority ||
    (a.scopeOf < b.scopeOf ? -1 : a.scopeOf > b.scopeOf ? 1 : 0)
  );
}
