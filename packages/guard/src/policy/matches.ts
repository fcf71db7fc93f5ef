import { categoryOf } from "../licences/category.ts";
import { type Expression, parseExpression } from "../licences/expression.ts";
import { normaliseLicence } from "../licences/normalise.ts";
import type { Finding } from "../model.ts";
import { severityRank } from "../severity.ts";
import type { PolicyRule } from "./policy.ts";
import { decodePurl } from "./reason.ts";
import { isPast } from "./strict-yaml.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What a decision depends on beside policy and findings. */
export interface DecisionContext {
  /**
   * Milliseconds since the epoch, for what expires and for ages. Without it nothing is let through on a date: an `ignore` that expires
   * does not hold, other rules that expire do, and no age is known.
   */
  readonly nowMs?: number;
}

type Condition = (rule: PolicyRule, finding: Finding, context: DecisionContext) => boolean;

/** Every condition by the key that sets it; one that is not set holds. */
const CONDITIONS: readonly (readonly [key: keyof PolicyRule, holds: Condition])[] = [
  ["kinds", ({ kinds }, { kind }) => kinds === undefined || kinds.includes(kind)],
  ["minSeverity", ({ minSeverity: least = "unknown" }, { severity }) => severityRank(severity) >= severityRank(least)],
  ["minCvss", ({ minCvss }, { cvss }) => minCvss === undefined || (cvss !== undefined && cvss >= minCvss)],
  ["minEpss", ({ minEpss }, { epss }) => minEpss === undefined || (epss !== undefined && epss >= minEpss)],
  [
    "minAgeDays",
    ({ minAgeDays }, finding, { nowMs }) => minAgeDays === undefined || isOlder(finding, minAgeDays, nowMs),
  ],
  ["exploited", (rule, finding) => rule.exploited === undefined || rule.exploited === (finding.exploited ?? false)],
  ["fixAvailable", (rule, { fixed }) => rule.fixAvailable === undefined || rule.fixAvailable === (fixed !== undefined)],
  ["fromBaseImage", (rule, { base }) => rule.fromBaseImage === undefined || rule.fromBaseImage === base],
  [
    "confidence",
    ({ confidence: wanted }, { confidence }) =>
      wanted === undefined || (confidence !== undefined && wanted.includes(confidence)),
  ],
  ["ids", ({ ids }, finding) => ids === undefined || namesOne(ids, finding)],
  ["packages", ({ packages }, { purl }) => packages === undefined || namesPackage(packages, purl)],
  [
    "licences",
    ({ licences }, finding) => licences === undefined || (isLicence(finding) && cannotAvoid(finding, licences)),
  ],
  [
    "licenceCategories",
    ({ licenceCategories: wanted }, finding) =>
      wanted === undefined || (isLicence(finding) && wanted.includes(categoryOf(finding.title))),
  ],
  ["expires", holdsToday],
];

/** Whether every condition of `rule` holds for `finding`. */
export function matches(rule: PolicyRule, finding: Finding, context: DecisionContext = {}): boolean {
  return CONDITIONS.every(([, holds]) => holds(rule, finding, context));
}

/** The conditions of `rule` that do not hold for `finding`, by their keys. */
export function unmet(rule: PolicyRule, finding: Finding, context: DecisionContext = {}): (keyof PolicyRule)[] {
  return CONDITIONS.flatMap(([key, holds]) => (holds(rule, finding, context) ? [] : [key]));
}

function holdsToday({ expires, action }: PolicyRule, _finding: Finding, { nowMs }: DecisionContext): boolean {
  if (expires === undefined) return true;
  return nowMs === undefined ? action !== "ignore" : !isPast(expires, nowMs);
}

function isOlder({ published }: Finding, days: number, nowMs: number | undefined): boolean {
  if (published === undefined || nowMs === undefined) return false;
  return nowMs - Date.parse(published) >= days * DAY_MS;
}

function namesOne(ids: readonly string[], finding: Finding): boolean {
  return ids.some((id) => id === finding.id || finding.aliases.includes(id));
}

/** Whether a pattern names the package. People write `pkg:npm/@scope/*` where the canonical form is `pkg:npm/%40scope/…`: both count. */
export function namesPackage(patterns: readonly string[], purl: string | undefined): boolean {
  if (purl === undefined) return false;
  const plain = decodePurl(purl);
  return patterns.some((pattern) => globMatches(pattern, purl) || globMatches(pattern, plain));
}

function isLicence({ kind }: Finding): boolean {
  return kind === "licence";
}

/** Licence findings carry the declared text as their title; one that is not understood is compared as it stands. */
function cannotAvoid({ title = "" }: Finding, listed: readonly string[]): boolean {
  const wanted = new Set(listed.map((id) => (normaliseLicence(id) ?? id).toLowerCase()));
  const expression = parseExpression(normaliseLicence(title) ?? "");
  return expression === undefined ? wanted.has(title.trim().toLowerCase()) : !canAvoid(expression, wanted);
}

function canAvoid(expression: Expression, listed: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case "licence":
      return !listed.has(expression.id.toLowerCase());
    case "and":
      return expression.parts.every((part) => canAvoid(part, listed));
    case "or":
      return expression.parts.some((part) => canAvoid(part, listed));
  }
}

/** Whether `*` standing for any text makes `pattern` equal to `text`; linear, for patterns come from users. */
export function globMatches(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  const last = rest.pop() ?? "";
  let position = first.length;
  for (const part of rest) {
    const at = text.indexOf(part, position);
    if (at < 0) return false;
    position = at + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}
