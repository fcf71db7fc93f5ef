import type { Finding, Reason, Report } from "../model.ts";
import { describeStatement, explain, packageLabel } from "../policy/reason.ts";
import { TOOL_NAME } from "./tool.ts";
import { escapeMarkup } from "./xml.ts";

const SUITES: readonly (readonly [kind: Finding["kind"], name: string])[] = [
  ["malware", "malware"],
  ["secret", "secrets"],
  ["vulnerability", "vulnerabilities"],
  ["licence", "licences"],
];

/**
 * The report as JUnit XML: one suite per kind of finding, one test case per finding. What the policy blocks failed, the rest passed with
 * its sentence as output; a suite without findings holds one case that passed, so that runners do not take it for a broken job.
 */
export function formatJunit(report: Report): string {
  const reasons = new Map(report.verdict.reasons.map((reason) => [reason.finding, reason]));
  const suites = SUITES.map(([kind, name]) => {
    const findings = report.findings.filter((finding) => finding.kind === kind);
    return toSuite(`${report.target}: ${name}`, findings, reasons);
  });
  const tests = suites.reduce((sum, suite) => sum + suite.tests, 0);
  const failures = suites.reduce((sum, suite) => sum + suite.failures, 0);
  const open = `<testsuites name="${TOOL_NAME}" tests="${tests}" failures="${failures}" errors="0">`;
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', open, ...suites.map(({ xml }) => xml), "</testsuites>"];
  return `${lines.join("\n")}\n`;
}

interface Suite {
  readonly tests: number;
  readonly failures: number;
  readonly xml: string;
}

function toSuite(name: string, findings: readonly Finding[], reasons: ReadonlyMap<Finding, Reason>): Suite {
  const cases = findings.map((finding) => toCase(finding, reasons.get(finding)));
  const failures = findings.filter((finding) => reasons.get(finding)?.outcome === "block").length;
  const body = cases.length > 0 ? cases : ['    <testcase name="nothing found" classname="flotilla"/>'];
  const open = `  <testsuite name="${escapeMarkup(name)}" tests="${body.length}" failures="${failures}" errors="0" skipped="0">`;
  return { tests: body.length, failures, xml: [open, ...body, "  </testsuite>"].join("\n") };
}

function toCase(finding: Finding, reason: Reason | undefined): string {
  const message = escapeMarkup(reason?.message ?? explain(finding));
  const group = finding.purl === undefined ? finding.location.path : packageLabel(finding.purl);
  const open = `    <testcase name="${escapeMarkup(nameOf(finding))}" classname="${escapeMarkup(group)}" file="${escapeMarkup(finding.location.path)}">`;
  const said = describeStatement(finding);
  const body =
    reason?.outcome === "block"
      ? `      <failure type="${escapeMarkup(reason.rule)}" message="${message}">${message}</failure>`
      : `      <system-out>${message}${escapeMarkup(said === "" ? "" : ` (${said})`)}</system-out>`;
  return [open, body, "    </testcase>"].join("\n");
}

/** Names of cases are what runners tell cases apart by. */
function nameOf({ id, kind, severity, location }: Finding): string {
  const line = location.line === undefined ? "" : `:${location.line}`;
  return kind === "secret" ? `${id} (${severity}) in ${location.path}${line}` : `${id} (${severity})`;
}
