import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";

const REFERENCE = /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})/g;
const MAX_DEPTH = 20;
const MAX_TEXT = 1024 * 1024;

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

/** `text` with `${NAME}` filled in and `$$` written as `$`. Throws `CodedError("variable-unknown")` for a name that is not declared. */
export function fillText(text: string, values: ReadonlyMap<string, string>): string {
  const filled = text.replace(REFERENCE, (_whole, name: string | undefined) => {
    if (name === undefined) return "$";
    const value = values.get(name);
    if (value === undefined) throw new CodedError("variable-unknown", `\${${name}} is not a variable of this release`);
    return value;
  });
  if (filled.length > MAX_TEXT)
    throw new CodedError("variable-too-large", "a text is too large once its variables are filled in");
  return filled;
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
