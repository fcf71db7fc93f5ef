import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import { type Failure, parseTemplate, renderTemplate } from "@flotilla/compose/template";

const MAX_DEPTH = 20;

/**
 * The values a release is run with: what the target gives, else the declared default. Throws `CodedError("variable-missing")` when a
 * variable has neither. Values given for names that the release does not declare are left out.
 */
export function resolveVariables(
  app: NormalisedApp,
  given: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, variable] of Object.entries(app.variables)) {
    const value = Object.hasOwn(given, name) ? given[name] : variable.default;
    if (value === undefined)
      throw new CodedError(
        "variable-missing",
        `variable ${name} has no value: set it for the project, a group or the device`,
      );
    values.set(name, value);
  }
  return values;
}

/**
 * `text` with its variables filled in, in all of compose's forms (`${NAME:-fallback}` too), and `$$` written as `$`. Throws
 * `CodedError("variable-unknown")` for a name that is not declared, `variable-missing` where the app demands more than it has.
 */
export function fillText(text: string, values: ReadonlyMap<string, string>): string {
  if (!text.includes("$")) return text;
  const parsed = parseTemplate(text);
  const filled = parsed.kind === "ok" ? renderTemplate(parsed.value, (name) => values.get(name)) : parsed;
  if (filled.kind === "ok") return filled.value;
  throw refusal(filled.failure);
}

function refusal(failure: Failure): CodedError {
  switch (failure.kind) {
    case "unset":
      return new CodedError("variable-unknown", `\${${failure.name}} is not a variable of this release`);
    case "required":
      return new CodedError("variable-missing", `variable ${failure.name} must not be empty: ${failure.message}`);
    case "syntax":
      return new CodedError("release-invalid", `a text of the release is no template: ${failure.message}`);
    case "too-long":
      return new CodedError("variable-too-large", "a text is too large once its variables are filled in");
  }
}

/** `value` with every text in it (not the keys) filled by {@link fillText}. */
export function fillDeep<T>(value: T, values: ReadonlyMap<string, string>): T {
  return fillAny(value, values, 0) as T;
}

function fillAny(value: unknown, values: ReadonlyMap<string, string>, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new CodedError("release-invalid", "the application is nested too deeply");
  if (typeof value === "string") return fillText(value, values);
  if (Array.isArray(value)) return value.map((item) => fillAny(item, values, depth + 1));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fillAny(member, values, depth + 1)]));
}
