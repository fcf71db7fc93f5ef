import { CodedError } from "@flotilla/base/errors";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import type { Policy } from "./policy.ts";

const MAX_POLICY_CHARS = 256 * 1024;
const MAX_RULES = 1000;
const MAX_ENTRIES = 10_000;
const MAX_TEXT = 1000;
/** YAML aliases may not multiply a document. */
const MAX_ALIASES = 100;

const Text = Type.String({ minLength: 1, maxLength: MAX_TEXT });
const listOf = <T extends ReturnType<typeof Type.Enum> | ReturnType<typeof Type.String>>(item: T) =>
  Type.Array(item, { minItems: 1, maxItems: MAX_ENTRIES });
const strict = { additionalProperties: false };

const PolicyRuleDocument = Type.Object(
  {
    name: Text,
    kinds: Type.Optional(Type.Array(Type.Enum(["vulnerability", "malware", "secret"]), { minItems: 1 })),
    minSeverity: Type.Optional(Type.Enum(["critical", "high", "medium", "low", "unknown"])),
    exploited: Type.Optional(Type.Boolean()),
    fixAvailable: Type.Optional(Type.Boolean()),
    confidence: Type.Optional(Type.Array(Type.Enum(["proven", "likely"]), { minItems: 1 })),
    ids: Type.Optional(listOf(Text)),
    packages: Type.Optional(listOf(Text)),
    action: Type.Enum(["block", "warn", "ignore"]),
  },
  strict,
);

/** The policy file, as users write it. */
export const PolicyDocument = Type.Object(
  { name: Type.Optional(Text), rules: Type.Array(PolicyRuleDocument, { maxItems: MAX_RULES }) },
  strict,
);
export type PolicyDocument = Static<typeof PolicyDocument>;

/** One thing that is wrong with a policy file. */
export interface PolicyProblem {
  /** 1-based. */
  readonly line: number;
  readonly message: string;
}

/**
 * The policy in `text` (YAML; JSON is YAML too). Throws `policy-invalid`, whose message names the lines and whose details hold
 * `problems: PolicyProblem[]`; unknown keys are errors. `name` is what the policy is called when it does not say so itself.
 */
export function parsePolicy(text: string, name = "policy"): Policy {
  if (text.length > MAX_POLICY_CHARS)
    throw invalid(name, [{ line: 1, message: `is longer than ${MAX_POLICY_CHARS} characters` }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = document.errors.map(({ message, pos }) => ({ line: lines.linePos(pos[0]).line, message }));
  if (syntax.length > 0) throw invalid(name, syntax);
  const value = toValue(document, name);
  if (!Value.Check(PolicyDocument, value)) throw invalid(name, describe(value, document, lines));
  const twice = repeatedNames(value, document, lines);
  if (twice.length > 0) throw invalid(name, twice);
  return { name: value.name ?? name, rules: value.rules };
}

function toValue(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (error instanceof ReferenceError) throw invalid(name, [{ line: 1, message: error.message }]);
    throw error;
  }
}

function describe(value: unknown, document: Document, lines: LineCounter): PolicyProblem[] {
  return Value.Errors(PolicyDocument, value).flatMap((error): PolicyProblem[] => {
    const path = error.instancePath.split("/").slice(1);
    const field = path.length === 0 ? "the policy" : `"${path.join(".")}"`;
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

/** Reasons name the rule that decided, so two rules cannot have one name. */
function repeatedNames(policy: PolicyDocument, document: Document, lines: LineCounter): PolicyProblem[] {
  const seen = new Set<string>();
  return policy.rules.flatMap(({ name }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const line = lineOf(document, lines, ["rules", String(index), "name"]);
    return { line, message: `a second rule is named "${name}"` };
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

function invalid(name: string, problems: readonly PolicyProblem[]): CodedError {
  const sorted = [...problems].sort((a, b) => a.line - b.line);
  const list = sorted.map(({ line, message }) => `line ${line}: ${message}`).join("; ");
  return new CodedError("policy-invalid", `${name} is not a valid policy: ${list}`, { details: { problems: sorted } });
}
