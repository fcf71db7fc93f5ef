import assert from "node:assert/strict";
import { test } from "node:test";
import type { Report } from "../model.ts";
import { builtInPolicy } from "../policy/built-in.ts";
import { evaluate } from "../policy/evaluate.ts";
import { REPORT_FORMATS } from "./formats.ts";
import { reportFixture } from "./report.fixture.ts";

const findings = reportFixture.findings
  .filter(({ kind }) => kind === "vulnerability")
  .map((finding) => ({
    ...finding,
    statement: {
      kind: "vex",
      status: "not-affected",
      by: "The lodash people",
      reason: "never called",
      document: "vendor.json",
    } as const,
  }));
const report: Report = { ...reportFixture, findings, verdict: evaluate(builtInPolicy, findings) };
const write = (name: string, of: Report = report) =>
  REPORT_FORMATS[name]?.(of, { timestampMs: Date.UTC(2026, 7, 31), colour: false }) ?? "";

const NAMED: readonly (readonly [format: string, words: RegExp])[] = [
  ["table", /CVE-2021-23337 .*not affected, says The lodash people in vendor\.json: never called$/m],
  ["json", /"by": "The lodash people"/],
  ["sarif", /"suppressions": \[\s*\{\s*"kind": "external",\s*"status": "accepted"/],
  ["cyclonedx", /"state": "not_affected",\s*"detail": "never called; says The lodash people in vendor\.json"/],
  ["openvex", /"status": "not_affected",\s*"impact_statement": "never called/],
  ["html", /not affected, says The lodash people in vendor\.json: never called/],
  ["junit", /<system-out>lodash.*\(not affected, says The lodash people/],
];
for (const [format, words] of NAMED)
  test(`${format} names who said what of a finding`, () => {
    assert.equal(report.verdict.outcome, "pass");
    assert.match(write(format), words);
  });

test("GitLab's forms leave out what is settled, for they have no word for it", () =>
  assert.deepEqual(JSON.parse(write("gitlab-container")).vulnerabilities, []));

test("SARIF tells what the baseline had from what is new, and does not suppress it", () => {
  const known = { ...reportFixture, findings: reportFixture.findings.map((finding) => ({ ...finding, known: true })) };
  const [result] = JSON.parse(write("sarif", known)).runs[0].results;
  assert.deepEqual([result.baselineState, result.suppressions], ["unchanged", undefined]);
});

test("the table shows what rules on trial would have decided", () => {
  const rules = [
    { name: "trial", action: "block", dryRun: true },
    { name: "rest", action: "warn" },
  ] as const;
  const verdict = evaluate({ name: "p", rules }, reportFixture.findings);
  assert.match(
    write("table", { ...reportFixture, verdict }),
    /Rules on trial would have decided \(4\)\n {2}block: .* \[trial\]\n/,
  );
});

test("a licence is asked about, not upgraded, and is no vulnerability of a bill of materials", () => {
  const [first] = findings;
  const licence = { ...first!, kind: "licence", id: "GPL-3.0-only" } as const;
  const { statement: _, fixed: __, ...bare } = licence;
  const of = { ...reportFixture, findings: [bare] };
  assert.match(
    write("table", of),
    /lodash 4\.17\.5 in .*: its licence is asked about by the policy\n {2}high {6}GPL-3\.0-only/,
  );
  assert.deepEqual(JSON.parse(write("cyclonedx", of)).vulnerabilities, []);
});
