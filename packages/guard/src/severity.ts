import type { Severity } from "./model.ts";

/** Severities from least to most. */
export const SEVERITIES: readonly Severity[] = ["unknown", "low", "medium", "high", "critical"];

/** Position of a severity: greater is worse, `unknown` is 0. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** The rating of a CVSS base score (CVSS v3.1 §5, v4.0 §6); 0 is rated `low`, since an advisory was published all the same. */
export function severityOfScore(score: number): Severity {
  if (score >= 9) return "critical";
  if (score >= 7) return "high";
  if (score >= 4) return "medium";
  return "low";
}

const WORDS: Readonly<Record<string, Severity>> = {
  critical: "critical",
  high: "high",
  important: "high",
  moderate: "medium",
  medium: "medium",
  low: "low",
  unimportant: "low",
  negligible: "low",
  minor: "low",
};

/** The severity that a database names by a word (`MODERATE`, `Important`), or undefined. */
export function severityOfWord(word: string): Severity | undefined {
  const key = word.trim().toLowerCase();
  return Object.hasOwn(WORDS, key) ? WORDS[key] : undefined;
}
