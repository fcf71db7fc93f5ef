import type { Severity } from "../model.ts";
import { severityOfScore, severityOfWord, severityRank } from "../severity.ts";
import { scoreOf } from "./cvss/score.ts";
import type { OsvAffected, OsvDocument } from "./osv-schema.ts";

export interface Rating {
  readonly severity: Severity;
  readonly cvss?: number;
}

/**
 * How bad a document says it is for one of its packages: the distribution's own word first, else the CVSS vectors (the package's over
 * the document's, the highest when there are several), else the database's word, else `unknown`.
 */
export function rate(document: OsvDocument, affected: OsvAffected): Rating {
  const entries = [affected.severity ?? [], document.severity ?? []].find((list) => list.length > 0) ?? [];
  const scores = entries.flatMap(({ score }) => (typeof score === "string" ? (scoreOf(score) ?? []) : []));
  const cvss = scores.length === 0 ? undefined : Math.max(...scores);
  const severity = distributionWord(document, affected, entries) ?? rated(cvss) ?? databaseWord(document, affected);
  return { severity: severity ?? "unknown", ...(cvss === undefined ? {} : { cvss }) };
}

function rated(score: number | undefined): Severity | undefined {
  return score === undefined ? undefined : severityOfScore(score);
}

/** Debian's urgency, Ubuntu's priority, and the word before the colon of AlmaLinux' summaries. */
function distributionWord(
  document: OsvDocument,
  affected: OsvAffected,
  entries: readonly { readonly type: string; readonly score: unknown }[],
): Severity | undefined {
  const priority = entries.find(({ type }) => type === "Ubuntu")?.score;
  const summary = /^AL[A-Z]A-/.test(document.id) ? (document.summary ?? "").split(":", 1)[0] : undefined;
  return word(memberOf(affected.ecosystem_specific, "urgency")) ?? word(priority) ?? word(summary);
}

function databaseWord(document: OsvDocument, affected: OsvAffected): Severity | undefined {
  const words = [affected.database_specific, affected.ecosystem_specific, document.database_specific].map((holder) =>
    word(memberOf(holder, "severity")),
  );
  return words
    .filter((severity) => severity !== undefined)
    .sort((a, b) => severityRank(b) - severityRank(a))
    .at(0);
}

function word(value: unknown): Severity | undefined {
  return typeof value === "string" ? severityOfWord(value) : undefined;
}

/** The member `name` of a JSON object, when `value` is one. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
