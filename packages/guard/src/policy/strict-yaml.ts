import { CodedError } from "@flotilla/base/errors";
import type { Static, TSchema } from "typebox";
import { Value } from "typebox/value";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";

/** YAML aliases may not multiply a document. */
const MAX_ALIASES = 100;
const MAX_CHARS = 256 * 1024;

/** One thing that is wrong with a file. */
export interface FileProblem {
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

export interface StrictYamlOptions<T extends TSchema> {
  readonly schema: T;
  /** How messages call the file. */
  readonly name: string;
  /** What it should have been: `policy`; the code of the error is `policy-invalid`. */
  readonly what: string;
  /** What the schema cannot say; paths lead to the node whose line is named. */
  readonly check: (value: Static<T>) => readonly { readonly path: readonly string[]; readonly message: string }[];
}

/**
 * A file that people write, in YAML (JSON is YAML too). Throws `<what>-invalid`, whose message names the lines and whose details hold
 * `problems: FileProblem[]`; unknown keys are errors.
 */
export function parseStrictYaml<T extends TSchema>(text: string, options: StrictYamlOptions<T>): Static<T> {
  const { schema, check } = options;
  if (text.length > MAX_CHARS) throw invalid(options, [{ line: 1, message: `is longer than ${MAX_CHARS} characters` }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = document.errors.map(({ message, pos }) => ({ line: lines.linePos(pos[0]).line, message }));
  if (syntax.length > 0) throw invalid(options, syntax);
  const value = toValue(document, options);
  if (!Value.Check(schema, value)) throw invalid(options, describe(value, document, lines, options));
  const found = check(value).map(({ path, message }) => ({ line: lineOf(document, lines, path), message }));
  if (found.length > 0) throw invalid(options, found);
  return value;
}

function toValue<T extends TSchema>(document: Document, options: StrictYamlOptions<T>): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (error instanceof ReferenceError) throw invalid(options, [{ line: 1, message: error.message }]);
    throw error;
  }
}

function describe<T extends TSchema>(
  value: unknown,
  document: Document,
  lines: LineCounter,
  { schema, what }: StrictYamlOptions<T>,
): FileProblem[] {
  return Value.Errors(schema, value).flatMap((error): FileProblem[] => {
    const path = error.instancePath.split("/").slice(1);
    const field = path.length === 0 ? `the ${what}` : `"${path.join(".")}"`;
    if (error.keyword === "additionalProperties")
      return error.params.additionalProperties.map((key) => ({
        line: lineOf(document, lines, [...path, key]),
        message: `unknown key "${key}"${path.length === 0 ? "" : ` in ${path.join(".")}`}`,
      }));
    if (error.keyword === "boolean") return [];
    const allowed = error.keyword === "enum" ? `: ${error.params.allowedValues.join(", ")}` : "";
    return [{ line: lineOf(document, lines, path), message: `${field} ${error.message}${allowed}` }];
  });
}

/** The line of the deepest node on `path` that exists; the key's own line where it is a key. */
function lineOf(document: Document, lines: LineCounter, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--) {
    const keys = path.slice(0, length).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    const node = document.getIn(keys, true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function invalid<T extends TSchema>(
  { name, what }: StrictYamlOptions<T>,
  problems: readonly FileProblem[],
): CodedError {
  const sorted = [...problems].sort((a, b) => a.line - b.line);
  const list = sorted.map(({ line, message }) => `line ${line}: ${message}`).join("; ");
  return new CodedError(`${what}-invalid`, `${name} is not a valid ${what} file: ${list}`, {
    details: { problems: sorted },
  });
}

/** A day as `2027-01-31` that is in the calendar. */
export function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** Whether a day is over at `nowMs`: what expires on a day holds until its end, UTC. */
export function isPast(day: string, nowMs: number): boolean {
  return Date.parse(`${day}T00:00:00Z`) + 24 * 60 * 60 * 1000 <= nowMs;
}
