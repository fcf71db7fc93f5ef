/** Reads of the engine's JSON: what is missing or of another kind becomes empty, as the engine itself leaves out what is not set. */
export type Json = Readonly<Record<string, unknown>>;

/** The object in `value`, or an empty one. */
export function objectOf(value: unknown): Json {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Json) : {};
}

/** The list in `value`, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** The members of `value` that are text, e.g. labels. */
export function textsOf(value: unknown): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const [name, member] of Object.entries(objectOf(value))) if (typeof member === "string") result[name] = member;
  return result;
}
