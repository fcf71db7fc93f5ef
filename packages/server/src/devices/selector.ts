import { CodedError } from "@flotilla/base/errors";

/**
 * A label query that names a set of devices: `site=oslo, !canary, tier in (a,b), name=press-7`. Terms are joined by "and". `!=` and `notin`
 * also match devices without the label, as in Kubernetes. The keys `name` and `id` are the device's own.
 */
export interface Selector {
  readonly terms: readonly Term[];
}

export type Term =
  | { readonly kind: "in"; readonly key: string; readonly values: readonly string[] }
  | { readonly kind: "not-in"; readonly key: string; readonly values: readonly string[] }
  | { readonly kind: "exists"; readonly key: string }
  | { readonly kind: "absent"; readonly key: string };

/** What a selector looks at. */
export interface Selectable {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Keys that no label may have. */
export const RESERVED_KEYS: readonly string[] = ["name", "id"];

const MAX_TEXT = 1000;
const MAX_TERMS = 50;
const KEY = /[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?/y;
const VALUE = /[A-Za-z0-9](?:[A-Za-z0-9._:@+/-]{0,98}[A-Za-z0-9])?/y;
const SET_OPERATOR = /(notin|in)\s*\(/y;
const OPERATOR = /!=|==?/y;
const SPACE = /\s*/y;

/** The selector in `text`; the empty text selects every device. Throws `selector-invalid` with the column. */
export function parseSelector(text: string): Selector {
  if (text.length > MAX_TEXT) throw invalid(`longer than ${MAX_TEXT} characters`, MAX_TEXT);
  const reader = createReader(text);
  const terms: Term[] = [];
  if (reader.done()) return { terms };
  do {
    if (terms.length === MAX_TERMS) throw invalid(`more than ${MAX_TERMS} terms`, reader.column());
    terms.push(readTerm(reader));
  } while (reader.take(","));
  if (!reader.done()) throw invalid("expected `,` or the end", reader.column());
  return { terms };
}

/** The one text of all selectors that say the same in other order or spelling. */
export function formatSelector(selector: Selector): string {
  return [...new Set(selector.terms.map(formatTerm))].sort().join(",");
}

/** Whether the device is in the set. */
export function matches(selector: Selector, device: Selectable): boolean {
  return selector.terms.every((term) => matchesTerm(term, labelOf(device, term.key)));
}

function matchesTerm(term: Term, value: string | undefined): boolean {
  switch (term.kind) {
    case "in":
      return value !== undefined && term.values.includes(value);
    case "not-in":
      return value === undefined || !term.values.includes(value);
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
  }
}

function labelOf(device: Selectable, key: string): string | undefined {
  if (key === "name") return device.name;
  if (key === "id") return device.id;
  return Object.hasOwn(device.labels, key) ? device.labels[key] : undefined;
}

function formatTerm(term: Term): string {
  switch (term.kind) {
    case "in":
      return term.values.length === 1
        ? `${term.key}=${term.values[0]}`
        : `${term.key} in (${formatValues(term.values)})`;
    case "not-in":
      return term.values.length === 1
        ? `${term.key}!=${term.values[0]}`
        : `${term.key} notin (${formatValues(term.values)})`;
    case "exists":
      return term.key;
    case "absent":
      return `!${term.key}`;
  }
}

function formatValues(values: readonly string[]): string {
  return [...new Set(values)].sort().join(",");
}

function readTerm(reader: Reader): Term {
  if (reader.take("!")) return { kind: "absent", key: readKey(reader) };
  const key = readKey(reader);
  const set = reader.match(SET_OPERATOR);
  if (set !== undefined) return { kind: set.startsWith("notin") ? "not-in" : "in", key, values: readValues(reader) };
  const operator = reader.match(OPERATOR);
  if (operator === undefined) return { kind: "exists", key };
  const value = reader.match(VALUE) ?? "";
  return { kind: operator === "!=" ? "not-in" : "in", key, values: [value] };
}

function readKey(reader: Reader): string {
  const column = reader.column();
  const key = reader.match(KEY);
  if (key === undefined) throw invalid("expected a label", column);
  return key;
}

function readValues(reader: Reader): string[] {
  const values: string[] = [];
  do {
    const column = reader.column();
    const value = reader.match(VALUE);
    if (value === undefined) throw invalid("expected a value", column);
    values.push(value);
  } while (reader.take(","));
  if (!reader.take(")")) throw invalid("expected `,` or `)`", reader.column());
  return values;
}

interface Reader {
  /** 1-based, of the next character that is not white space. */
  column(): number;
  done(): boolean;
  /** Steps over `literal` when it is next. */
  take(literal: string): boolean;
  match(pattern: RegExp): string | undefined;
}

function createReader(text: string): Reader {
  let at = 0;
  const skip = () => {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    at = SPACE.lastIndex;
  };
  return {
    column() {
      skip();
      return at + 1;
    },
    done() {
      skip();
      return at === text.length;
    },
    take(literal) {
      skip();
      if (!text.startsWith(literal, at)) return false;
      at += literal.length;
      return true;
    },
    match(pattern) {
      skip();
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (found !== undefined) at += found.length;
      return found;
    },
  };
}

function invalid(what: string, column: number): CodedError {
  return new CodedError(
    "selector-invalid",
    `selector, column ${column}: ${what}. Example: site=oslo, !canary, tier in (a,b)`,
    { details: { column } },
  );
}
