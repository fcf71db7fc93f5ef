import { parseDurationMs, parseSizeBytes } from "@flotilla/base/units";
import type { Place, Problems } from "./problem.ts";
import { escapeDollars } from "./template.ts";
import type { MapNode, Node, ScalarNode } from "./tree.ts";

/** Readers of single values. Each returns undefined after it added a problem, so that reading goes on. */

/** Longest text of one value, as the server accepts it. */
export const MAX_TEXT = 32 * 1024;

/** Text that may hold variables of the device, as a template. Numbers and truth values become text as compose writes them. */
export function readTemplate(problems: Problems, node: Node): string | undefined {
  const scalar = readScalar(problems, node, "text");
  if (scalar === undefined) return undefined;
  if (scalar.value === null) {
    problems.add(node.place, "bad-value", "expected text, found nothing");
    return undefined;
  }
  const text = scalar.template ?? escapeDollars(scalarText(scalar));
  if (text.includes("\0")) {
    problems.add(node.place, "bad-value", "the text holds a NUL character, which no engine takes");
    return undefined;
  }
  if (text.length <= MAX_TEXT) return text;
  problems.add(node.place, "too-large", `the text has ${text.length} characters, the bound is ${MAX_TEXT}`);
  return undefined;
}

/** Text that is the same on every device, plain. */
export function readText(problems: Problems, node: Node): string | undefined {
  const scalar = readFixed(problems, node, "text");
  if (scalar === undefined) return undefined;
  if (scalar.value !== null) return scalarText(scalar);
  problems.add(node.place, "bad-value", "expected text, found nothing");
  return undefined;
}

const TRUE = new Set(["true", "yes", "on", "y"]);
const FALSE = new Set(["false", "no", "off", "n"]);

export function readBoolean(problems: Problems, node: Node): boolean | undefined {
  const scalar = readFixed(problems, node, "true or false");
  if (scalar === undefined) return undefined;
  const text = String(scalar.value).toLowerCase();
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  problems.add(node.place, "bad-value", `expected true or false, found ${show(scalar)}`);
  return undefined;
}

export function readNumber(
  problems: Problems,
  node: Node,
  bounds: { readonly min: number; readonly max: number; readonly integer: boolean },
): number | undefined {
  const what = `${bounds.integer ? "a whole number" : "a number"} from ${bounds.min} to ${bounds.max}`;
  const scalar = readFixed(problems, node, what);
  if (scalar === undefined) return undefined;
  const value = typeof scalar.value === "string" && scalar.value.trim() === "" ? Number.NaN : Number(scalar.value);
  const fits = Number.isFinite(value) && (!bounds.integer || Number.isInteger(value));
  if (scalar.value !== null && typeof scalar.value !== "boolean" && fits && value >= bounds.min && value <= bounds.max)
    return value;
  problems.add(node.place, "bad-value", `expected ${what}, found ${show(scalar)}`);
  return undefined;
}

export function readInteger(problems: Problems, node: Node, min: number, max: number): number | undefined {
  return readNumber(problems, node, { min, max, integer: true });
}

/** Milliseconds of `1m30s`. */
export function readDurationMs(problems: Problems, node: Node): number | undefined {
  const scalar = readFixed(problems, node, "a duration such as 30s or 1m30s");
  if (scalar === undefined) return undefined;
  const value = scalar.value === 0 ? 0 : typeof scalar.value === "string" ? parseDurationMs(scalar.value) : undefined;
  if (value !== undefined && value <= MAX_DURATION_MS) return value;
  problems.add(node.place, "bad-value", `expected a duration such as 30s or 1m30s, found ${show(scalar)}`);
  return undefined;
}

const MAX_DURATION_MS = 366 * 86_400_000;

/** Bytes of `64m` or a number. */
export function readSizeBytes(problems: Problems, node: Node): number | undefined {
  const scalar = readFixed(problems, node, "a size such as 64m");
  if (scalar === undefined) return undefined;
  const value = scalar.value === null ? undefined : parseSizeBytes(String(scalar.value));
  if (value !== undefined && Number.isSafeInteger(value)) return value;
  problems.add(node.place, "bad-value", `expected a size such as 512k, 64m or 1.5g, found ${show(scalar)}`);
  return undefined;
}

/** File mode: octal when it begins with 0 or is quoted, as compose reads it. */
export function readMode(problems: Problems, node: Node): number | undefined {
  const scalar = readFixed(problems, node, "a file mode such as 0440");
  if (scalar === undefined) return undefined;
  const source = typeof scalar.value === "string" ? scalar.value : scalar.source;
  const octal = typeof scalar.value === "string" || /^0o?[0-7]/.test(source);
  const digits = source.replace(/^0o/, "");
  const value = octal ? (/^[0-7]{1,6}$/.test(digits) ? Number.parseInt(digits, 8) : undefined) : Number(scalar.value);
  if (value !== undefined && Number.isInteger(value) && value >= 0 && value <= 0o7777) return value;
  problems.add(node.place, "bad-value", `expected a file mode such as 0440, found ${show(scalar)}`);
  return undefined;
}

/** One of `values`. */
export function readChoice<T extends string>(problems: Problems, node: Node, values: readonly T[]): T | undefined {
  const text = readText(problems, node);
  if (text === undefined) return undefined;
  const found = values.find((value) => value === text);
  if (found === undefined) problems.add(node.place, "bad-value", `expected ${values.join(", ")}; found ${quote(text)}`);
  return found;
}

export function readMap(problems: Problems, node: Node): MapNode | undefined {
  if (node.kind === "map") return node;
  if (node.kind === "scalar" && node.broken === true) return undefined;
  problems.add(node.place, "bad-value", `expected a mapping, found ${kindOf(node)}`);
  return undefined;
}

/** The items of a list; one value stands for a list of one where compose allows it. */
export function readItems(
  problems: Problems,
  node: Node,
  single: "list-only" | "one-or-list" = "list-only",
): readonly Node[] {
  if (node.kind === "list") return node.items;
  if (single === "one-or-list" && node.kind === "scalar" && node.value !== null) return [node];
  const isNothing = node.kind === "scalar" && (node.value === null || node.broken === true);
  if (!isNothing) problems.add(node.place, "bad-value", `expected a list, found ${kindOf(node)}`);
  return [];
}

export function readTemplates(
  problems: Problems,
  node: Node,
  single: "list-only" | "one-or-list" = "list-only",
): readonly string[] {
  return readItems(problems, node, single)
    .map((item) => readTemplate(problems, item))
    .filter((text) => text !== undefined);
}

export interface Pair {
  readonly key: string;
  /** A template; undefined for a key without a value. */
  readonly value: string | undefined;
  readonly place: Place;
}

/** `KEY=value` lists and mappings alike. */
export function readPairs(problems: Problems, node: Node): readonly Pair[] {
  if (node.kind === "map") return readPairMap(problems, node);
  return readItems(problems, node).flatMap((item): readonly Pair[] => {
    const text = readTemplate(problems, item);
    if (text === undefined) return [];
    const equals = text.indexOf("=");
    const key = equals < 0 ? text : text.slice(0, equals);
    if (key !== "" && !key.includes("$"))
      return [{ key, value: equals < 0 ? undefined : text.slice(equals + 1), place: item.place }];
    problems.add(item.place, "bad-value", `expected NAME=value, found ${quote(text)}`);
    return [];
  });
}

function readPairMap(problems: Problems, map: MapNode): readonly Pair[] {
  return [...map.entries].flatMap(([key, { node: value }]): readonly Pair[] => {
    if (value.kind === "scalar" && value.value === null) return [{ key, value: undefined, place: value.place }];
    const text = readTemplate(problems, value);
    return text === undefined ? [] : [{ key, value: text, place: value.place }];
  });
}

/** A mapping of text to text, or a list of `KEY=value`; a key without a value is empty text. */
export function readTextMap(problems: Problems, node: Node): Readonly<Record<string, string>> {
  return Object.fromEntries(readPairs(problems, node).map(({ key, value }) => [key, value ?? ""]));
}

/** Text for messages: quoted and short. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function readScalar(problems: Problems, node: Node, what: string): ScalarNode | undefined {
  if (node.kind === "scalar") return node.broken === true ? undefined : node;
  problems.add(node.place, "bad-value", `expected ${what}, found ${kindOf(node)}`);
  return undefined;
}

function readFixed(problems: Problems, node: Node, what: string): ScalarNode | undefined {
  const scalar = readScalar(problems, node, what);
  if (scalar?.perDevice !== true) return scalar;
  problems.add(
    node.place,
    "bad-value",
    `${String(scalar.value)} differs by device, but this field is the same on every device: fix its value in the release`,
  );
  return undefined;
}

/** As compose turns YAML scalars into text: numbers in their shortest form, `0123` in octal. */
function scalarText(scalar: ScalarNode): string {
  if (typeof scalar.value === "number" && /^[+-]?0[0-7]+$/.test(scalar.source))
    return String(Number.parseInt(scalar.source, 8));
  return String(scalar.value);
}

function show(scalar: ScalarNode): string {
  return scalar.value === null ? "nothing" : quote(String(scalar.value));
}

function kindOf(node: Node): string {
  if (node.kind === "map") return "a mapping";
  if (node.kind === "list") return "a list";
  return node.value === null ? "nothing" : show(node);
}
