import type { Finding, GateVerdict, Reason } from "../model.ts";
import { severityRank } from "../severity.ts";
import { passingVersions } from "./passing.ts";
import type { Policy, PolicyRule } from "./policy.ts";
import { decodePurl, explain } from "./reason.ts";

/** Name of the rule that decides where no rule of the policy matches. */
export const NO_RULE = "no-rule-matches";

/** The gate verdict of `policy` over `findings`: blocks when any finding is blocked, else warns when any is warned of. */
export function evaluate(policy: Policy, findings: readonly Finding[]): GateVerdict {
  const decided = findings.flatMap((finding) => {
    const rule = policy.rules.find((candidate) => matches(candidate, finding));
    const outcome = rule?.action ?? "warn";
    return outcome === "ignore" ? [] : [{ outcome, rule: rule?.name ?? NO_RULE, finding }];
  });
  const blocked = decided.filter(({ outcome }) => outcome === "block");
  const passing = passingVersions(blocked.map(({ finding }) => finding));
  const reasons = [...blocked, ...decided.filter(({ outcome }) => outcome === "warn")].map(
    (reason): Reason => ({ ...reason, message: explain(reason.finding, passing.get(reason.finding.purl ?? "")) }),
  );
  return { outcome: reasons[0]?.outcome ?? "pass", reasons };
}

/** Whether every condition of `rule` holds for `finding`. */
export function matches(rule: PolicyRule, finding: Finding): boolean {
  if (rule.kinds !== undefined && !rule.kinds.includes(finding.kind)) return false;
  if (rule.minSeverity !== undefined && severityRank(finding.severity) < severityRank(rule.minSeverity)) return false;
  if (rule.exploited !== undefined && rule.exploited !== (finding.exploited ?? false)) return false;
  if (rule.fixAvailable !== undefined && rule.fixAvailable !== (finding.fixed !== undefined)) return false;
  if (rule.confidence !== undefined && !(finding.confidence && rule.confidence.includes(finding.confidence)))
    return false;
  if (rule.ids !== undefined && !namesOne(rule.ids, finding)) return false;
  return rule.packages === undefined || namesPackage(rule.packages, finding.purl);
}

function namesOne(ids: readonly string[], finding: Finding): boolean {
  return ids.some((id) => id === finding.id || finding.aliases.includes(id));
}

/** People write `pkg:npm/@scope/*` where the canonical form is `pkg:npm/%40scope/…`: both count. */
function namesPackage(patterns: readonly string[], purl: string | undefined): boolean {
  if (purl === undefined) return false;
  const plain = decodePurl(purl);
  return patterns.some((pattern) => globMatches(pattern, purl) || globMatches(pattern, plain));
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
