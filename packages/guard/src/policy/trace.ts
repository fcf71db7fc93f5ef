import type { Finding, GateVerdict } from "../model.ts";
import { isSettled, NO_RULE } from "./evaluate.ts";
import { type DecisionContext, matches, unmet } from "./matches.ts";
import type { Policy, PolicyRule } from "./policy.ts";
import { describeStatement, packageLabel } from "./reason.ts";

const MAX_TRACED = 200;

/**
 * How the verdict came about, line by line: for each finding every rule that was asked in turn, which of its conditions did not hold, and
 * which rule decided. Findings that the policy never saw say who took them out.
 */
export function traceVerdict(
  policy: Policy,
  findings: readonly Finding[],
  verdict: GateVerdict,
  context: DecisionContext = {},
): string[] {
  const blocks = verdict.reasons.filter(({ outcome }) => outcome === "block").length;
  const head = `Policy "${policy.name}": ${verdict.outcome}, for ${blocks} of ${findings.length} findings block and ${verdict.reasons.length - blocks} warn.`;
  const lines = findings.slice(0, MAX_TRACED).flatMap((finding) => traceFinding(policy, finding, context));
  const more = findings.length > MAX_TRACED ? [`and ${findings.length - MAX_TRACED} more findings`] : [];
  return [head, ...lines, ...more];
}

function traceFinding(policy: Policy, finding: Finding, context: DecisionContext): string[] {
  const { id, kind, severity, purl, location } = finding;
  const title = `${id} (${kind}, ${severity}) in ${purl === undefined ? location.path : packageLabel(purl)}`;
  if (isSettled(finding)) return [title, `  not asked: ${describeStatement(finding)}`];
  const lines: string[] = [];
  for (const rule of policy.rules) {
    lines.push(`  ${ruleLine(rule, finding, context)}`);
    if (!rule.dryRun && matches(rule, finding, context)) return [title, ...lines];
  }
  return [title, ...lines, `  ${NO_RULE}: no rule matches, which is a warning`];
}

function ruleLine(rule: PolicyRule, finding: Finding, context: DecisionContext): string {
  const failed = unmet(rule, finding, context);
  if (failed.length > 0)
    return `${rule.name}: no, ${failed.map((key) => `${key} ${shown(rule[key])}`).join(" and ")} does not hold`;
  return rule.dryRun
    ? `${rule.name}: would ${rule.action}, but is on trial`
    : `${rule.name}: matches, so ${rule.action}`;
}

function shown(value: PolicyRule[keyof PolicyRule]): string {
  return Array.isArray(value) ? `[${value.slice(0, 5).join(", ")}${value.length > 5 ? ", …" : ""}]` : String(value);
}
