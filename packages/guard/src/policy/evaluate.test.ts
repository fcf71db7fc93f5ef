import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { Finding } from "../model.ts";
import { builtInPolicy } from "./built-in.ts";
import { evaluate, NO_RULE } from "./evaluate.ts";
import { formatPolicy } from "./format.ts";
import { globMatches } from "./matches.ts";
import { parsePolicy } from "./parse.ts";
import type { PolicyRule } from "./policy.ts";

const LAYER = asDigest(`sha256:${"ab".repeat(32)}`);

const lodash: Finding = {
  kind: "vulnerability",
  id: "CVE-2021-23337",
  aliases: ["GHSA-35jh-r3h4-6jhm"],
  purl: "pkg:npm/lodash@4.17.20",
  severity: "high",
  fixed: "4.17.21",
  location: { path: "app/node_modules/lodash/package.json", layer: LAYER },
  locations: [{ path: "app/node_modules/lodash/package.json", layer: LAYER }],
  sources: ["GitHub Advisory Database"],
};
const { fixed: _, ...withoutFix } = lodash;
const secret: Finding = {
  kind: "secret",
  id: "aws-access-key",
  aliases: [],
  title: "AWS access key",
  severity: "critical",
  confidence: "proven",
  sample: "AKIA… (20 characters)",
  location: { path: "app/.env", line: 3 },
  locations: [{ path: "app/.env", line: 3 }],
  sources: [],
};

const BUILT_IN: readonly (readonly [what: string, finding: Finding, outcome: string, rule: string])[] = [
  ["malware", { ...withoutFix, kind: "malware", id: "MAL-2024-1" }, "block", "malware"],
  ["a proven secret", secret, "block", "proven-secrets"],
  ["a likely secret", { ...secret, confidence: "likely" }, "warn", "everything-else"],
  ["high with a fix", lodash, "block", "fixable-critical-and-high"],
  ["critical with a fix", { ...lodash, severity: "critical" }, "block", "fixable-critical-and-high"],
  ["critical without a fix", { ...withoutFix, severity: "critical" }, "warn", "everything-else"],
  ["exploited without a fix", { ...withoutFix, severity: "low", exploited: true }, "block", "known-exploited"],
  ["medium with a fix", { ...lodash, severity: "medium" }, "warn", "everything-else"],
  ["unknown with a fix", { ...lodash, severity: "unknown" }, "warn", "everything-else"],
];

for (const [what, finding, outcome, rule] of BUILT_IN)
  test(`the built-in policy on ${what}: ${outcome}`, () => {
    const verdict = evaluate(builtInPolicy, [finding]);
    assert.equal(verdict.outcome, outcome);
    assert.deepEqual(
      verdict.reasons.map((reason) => [reason.outcome, reason.rule, reason.finding]),
      [[outcome, rule, finding]],
    );
  });

test("no findings pass; blocks come before warnings; ignored findings give no reason", () => {
  assert.deepEqual(evaluate(builtInPolicy, []), { outcome: "pass", reasons: [] });
  const mixed = evaluate(builtInPolicy, [withoutFix, lodash]);
  assert.equal(mixed.outcome, "block");
  assert.deepEqual(
    mixed.reasons.map((reason) => reason.outcome),
    ["block", "warn"],
  );
  const accepted: PolicyRule = { name: "accepted", ids: ["GHSA-35jh-r3h4-6jhm"], action: "ignore" };
  const rules = [accepted, ...builtInPolicy.rules];
  assert.deepEqual(evaluate({ name: "p", rules }, [lodash]), { outcome: "pass", reasons: [] });
});

test("a finding that no rule matches is a warning, not a pass", () => {
  const verdict = evaluate({ name: "empty", rules: [] }, [lodash]);
  assert.equal(verdict.outcome, "warn");
  assert.equal(verdict.reasons[0]?.rule, NO_RULE);
});

test("reasons say what, where and what would pass", () => {
  const message = (finding: Finding) => evaluate(builtInPolicy, [finding]).reasons[0]?.message ?? "";
  assert.equal(
    message(lodash),
    "lodash 4.17.20 has CVE-2021-23337 (high), found in app/node_modules/lodash/package.json (layer sha256:abababababab); version 4.17.21 would pass.",
  );
  assert.match(message({ ...withoutFix, exploited: true }), /known to be exploited.*no version without it is known/);
  assert.match(message(secret), /AWS access key, AKIA… \(20 characters\)\) lies in app\/\.env:3; revoke it/);
  assert.match(message({ ...lodash, kind: "malware", id: "MAL-1" }), /lodash 4\.17\.20 is malware \(MAL-1\)/);
});

test("the version that would pass is one for all that blocks the package, by the ecosystem's order", () => {
  const other: Finding = { ...lodash, id: "CVE-2024-10009", fixed: "4.17.9", severity: "critical" };
  const messages = (findings: readonly Finding[]) =>
    evaluate(builtInPolicy, findings).reasons.map(({ message }) => message);
  const [first, second] = messages([lodash, other]);
  assert.match(first ?? "", /; version 4\.17\.21 would pass\.$/);
  assert.match(second ?? "", /; fixed in 4\.17\.9, and 4\.17\.21 would pass\.$/);
  const unmended: Finding = { ...withoutFix, id: "CVE-2024-10008", exploited: true };
  assert.match(messages([lodash, unmended])[0] ?? "", /fixed in 4\.17\.21, but no version that would pass is known\.$/);
  assert.match(messages([unmended, lodash])[1] ?? "", /but no version that would pass is known\.$/);
  assert.match(messages([{ ...lodash, severity: "low" }])[0] ?? "", /; fixed in 4\.17\.21\.$/);
});

const GLOBS: readonly (readonly [pattern: string, text: string, expected: boolean])[] = [
  ["pkg:npm/lodash@*", "pkg:npm/lodash@4.17.20", true],
  ["pkg:npm/lodash@*", "pkg:npm/lodash.merge@4.6.2", false],
  ["pkg:npm/*", "pkg:pypi/six@1", false],
  ["*lodash*@4.*", "pkg:npm/lodash@4.17.20", true],
  ["pkg:npm/lodash@4.17.20", "pkg:npm/lodash@4.17.20", true],
  ["ab*ba", "aba", false],
  ["*", "anything", true],
];
for (const [pattern, text, expected] of GLOBS)
  test(`${pattern} ${expected ? "matches" : "does not match"} ${text}`, () =>
    assert.equal(globMatches(pattern, text), expected));

test("package patterns match canonical and plain spelling, and never a finding without a package", () => {
  const scoped: Finding = { ...lodash, purl: "pkg:npm/%40scope/x@1.0.0" };
  const outcome = (packages: readonly string[], finding: Finding) =>
    evaluate({ name: "p", rules: [{ name: "r", packages, action: "block" }] }, [finding]).outcome;
  assert.equal(outcome(["pkg:npm/@scope/*"], scoped), "block");
  assert.equal(outcome(["pkg:npm/%40scope/*"], scoped), "block");
  assert.equal(outcome(["pkg:npm/scope/*"], scoped), "warn");
  assert.equal(outcome(["*"], secret), "warn");
});

test("the built-in policy can be written out, edited and read back", () => {
  assert.deepEqual(parsePolicy(formatPolicy(builtInPolicy)), builtInPolicy);
});
