import type { Gaps } from "./gaps.ts";
import { isObject } from "./json.ts";

/** What a layer says that only the whole image can interpret; kept in {@link LayerScan.facts} as plain JSON. */
export type LayerFacts = {
  /** Text of the os-release file that stands in this layer, by path. */
  readonly osRelease: Readonly<Record<string, string>>;
  /** Paths of this layer that some extractor knows: they replace what lower layers said of the same path. */
  readonly known: readonly string[];
  /** Paths owned by OS packages, only those that a language extractor could read, by the file that says so. */
  readonly owned: Readonly<Record<string, readonly string[]>>;
  /** Files that others draw in: `[by, path]`. */
  readonly includes: readonly (readonly [string, string])[];
  /** What was met and not looked at. */
  readonly gaps: Gaps;
};

export const NO_FACTS: LayerFacts = { osRelease: {}, known: [], owned: {}, includes: [], gaps: {} };

/** Reads facts back from where a layer's scan was kept; what does not fit is as if it were absent. */
export function parseFacts(facts: Readonly<Record<string, unknown>>): LayerFacts {
  return {
    osRelease: isTextRecord(facts["osRelease"]) ? facts["osRelease"] : {},
    known: texts(facts["known"]),
    owned: textLists(facts["owned"]),
    includes: Array.isArray(facts["includes"]) ? facts["includes"].filter(isPair) : [],
    gaps: isGaps(facts["gaps"]) ? facts["gaps"] : {},
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function textLists(value: unknown): Readonly<Record<string, readonly string[]>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([path, list]) => [path, texts(list)]));
}

function isPair(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === "string");
}

function isGaps(value: unknown): value is Gaps {
  return (
    isObject(value) &&
    Object.values(value).every(
      (gap) => isObject(gap) && typeof gap["count"] === "number" && typeof gap["first"] === "string",
    )
  );
}

function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === "object" && value !== null && Object.values(value).every((item) => typeof item === "string");
}
