import { shortDigest } from "@flotilla/base/digest";
import type { ComposeProblem } from "@flotilla/compose/problem";
import { formatProblem } from "@flotilla/compose/problem";
import type { Gate, GateReason, ReleaseDetail } from "@flotilla/protocol/api/releases";
import { note, print, tint } from "../output.ts";

/** Warnings shown with a release that was made. */
const MAX_WARNINGS = 10;

/** Compose problems, one line each, as compilers write them. */
export function printProblems(problems: readonly ComposeProblem[], kind: "error" | "warning"): void {
  for (const problem of problems) note(`${kind === "warning" ? "warning: " : ""}${formatProblem(problem)}`);
}

/** What decided: the rule, the finding, the image, the layer, and what would pass. */
export function reasonLines(reason: GateReason): readonly string[] {
  const { finding } = reason;
  const lines = [reason.message, `  rule    ${reason.rule}`, `  image   ${reason.image}`];
  if (finding === undefined) return lines;
  const severity = finding.severity === "unknown" ? "" : `, ${finding.severity}`;
  lines.push(
    `  finding ${finding.id} (${finding.kind}${severity})${finding.purl === undefined ? "" : ` in ${finding.purl}`}`,
  );
  const line = finding.location.line === undefined ? "" : `:${finding.location.line}`;
  const layer = finding.location.layer === undefined ? "" : ` in layer ${shortDigest(finding.location.layer)}`;
  lines.push(`  where   ${finding.location.path}${line}${layer}`);
  if (finding.fixed !== undefined) lines.push(`  passes  with version ${finding.fixed}`);
  return lines;
}

/** A gate that blocked. */
export function printBlocked(gate: Pick<Gate, "reasons" | "omitted">): void {
  const blocks = gate.reasons.filter((reason) => reason.outcome === "block");
  const warnings = gate.reasons.length - blocks.length;
  print(tint("bad", `BLOCKED: the policy does not let this become a release (${count(blocks.length, "reason")})`));
  for (const reason of blocks) {
    print();
    const [head = "", ...rest] = reasonLines(reason);
    print(tint("strong", head));
    for (const line of rest) print(line);
  }
  if (warnings + gate.omitted > 0) note(`and ${count(warnings + gate.omitted, "further finding")}`);
}

/** A gate that let the app pass, with what it warns of. */
export function printWarnings(gate: Gate): void {
  const warnings = gate.reasons.filter((reason) => reason.outcome === "warn");
  for (const reason of warnings.slice(0, MAX_WARNINGS))
    note(`${tint("warn", "warning")} ${reason.message} [${reason.rule}]`);
  const more = warnings.length - MAX_WARNINGS + gate.omitted;
  if (more > 0) note(`and ${count(more, "further warning")}`);
}

/** A release that was made. The digest stands alone on its line, for scripts. */
export function printRelease(release: ReleaseDetail): void {
  print(`${tint("good", "made")} ${release.app} ${release.tag}`);
  print(release.digest);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
