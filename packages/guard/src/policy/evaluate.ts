import type { Finding, GateVerdict, Reason } from "../model.ts";
import { type DecisionContext, matches } from "./matches.ts";
import { passingVersions } from "./passing.ts";
import type { Policy, PolicyRule } from "./policy.ts";
import { explain } from "./reason.ts";

/** Name of the rule that decides where no rule of the policy matches. */
export const NO_RULE = "no-rule-matches";

/**
 * The gate verdict of `policy` over `findings`: blocks when any finding is blocked, else warns when any is warned of. What a waiver or a VEX
 * statement takes out, and what a baseline knew, gives no reason. Rules on trial are reported beside the verdict.
 */
export function evaluate(policy: Policy, findings: readonly Finding[], context: DecisionContext = {}): GateVerdict {
  const open = findings.filter((finding) => !isSettled(finding));
  const acting = policy.rules.filter(({ dryRun }) => dryRun !== true);
  const reasons = decide(acting, open, context, "warn");
  const trials = policy.rules.filter(({ dryRun }) => dryRun === true);
  const dryRun = trials.flatMap((rule) => decide([rule], open, context, "ignore"));
  return {
    outcome: reasons[0]?.outcome ?? "pass",
    reasons,
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
}

/** Whether a finding has no part in the verdict: a statement takes it out, or the baseline had it. */
export function isSettled({ statement, known }: Finding): boolean {
  if (known) return true;
  const status = statement?.status;
  return status === "accepted" || status === "not-affected" || status === "fixed";
}

function decide(
  rules: readonly PolicyRule[],
  findings: readonly Finding[],
  context: DecisionContext,
  otherwise: "warn" | "ignore",
): Reason[] {
  const decided = findings.flatMap((finding) => {
    const rule = rules.find((candidate) => matches(candidate, finding, context));
    const outcome = rule?.action ?? otherwise;
    return outcome === "ignore" ? [] : [{ outcome, rule: rule?.name ?? NO_RULE, finding }];
  });
  const blocked = decided.filter(({ outcome }) => outcome === "block");
  const passing = passingVersions(blocked.map(({ finding }) => finding));
  return [...blocked, ...decided.filter(({ outcome }) => outcome === "warn")].map(
    (reason): Reason => ({ ...reason, message: explain(reason.finding, passing.get(reason.finding.purl ?? "")) }),
  );
}
