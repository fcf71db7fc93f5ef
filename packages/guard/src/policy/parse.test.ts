import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "@flotilla/base/errors";
import { parsePolicy } from "./parse.ts";

test("reads every condition, in order", () => {
  const policy = parsePolicy(`
name: strict
rules:
  - name: accepted
    ids: [CVE-2024-1, GHSA-aaaa-bbbb-cccc]
    packages: ["pkg:npm/lodash@*"]
    action: ignore
  - name: worst
    kinds: [vulnerability, malware]
    minSeverity: high
    exploited: true
    fixAvailable: false
    action: block
  - { name: secrets, kinds: [secret], confidence: [likely], action: warn }
`);
  assert.equal(policy.name, "strict");
  assert.deepEqual(
    policy.rules.map((rule) => [rule.name, rule.action]),
    [
      ["accepted", "ignore"],
      ["worst", "block"],
      ["secrets", "warn"],
    ],
  );
  assert.equal(policy.rules[1]?.fixAvailable, false);
});

const REFUSED: readonly (readonly [why: string, text: string, line: number, message: RegExp])[] = [
  ["an unknown key", "rules:\n  - name: a\n    action: warn\n    serverity: high\n", 4, /unknown key "serverity"/],
  ["an unknown key at the top", "rules: []\nrule: 1\n", 2, /unknown key "rule"/],
  ["a missing action", "rules:\n  - name: a\n", 2, /action/],
  ["a wrong word", "rules:\n  - name: a\n    action: stop\n", 3, /block, warn, ignore/],
  ["a wrong type", "rules:\n  - name: a\n    exploited: maybe\n    action: warn\n", 3, /boolean/],
  ["an empty list, which could never match", "rules:\n  - name: a\n    ids: []\n    action: warn\n", 3, /ids/],
  ["two rules of one name", "rules:\n  - {name: a, action: warn}\n  - {name: a, action: block}\n", 3, /second rule/],
  ["bad YAML", "rules:\n  - name: [a\n", 2, /./],
  ["a key given twice", "rules: []\nrules: []\n", 2, /unique/],
  ["nothing", "", 1, /./],
  ["a list", "- a\n", 1, /object/],
];

for (const [why, text, line, message] of REFUSED)
  test(`refuses ${why}, with its line`, () => {
    assert.throws(
      () => parsePolicy(text, "p.yaml"),
      (error: unknown) => {
        assert.ok(error instanceof CodedError);
        assert.equal(error.code, "policy-invalid");
        assert.match(error.message, message);
        const problems = error.details["problems"] as { line: number }[];
        assert.ok(
          problems.some((problem) => problem.line >= line && problem.line <= line + 1),
          error.message,
        );
        return true;
      },
    );
  });

test("aliases that multiply and endless files are refused, not expanded", () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nrules: [${"*c,".repeat(9)}]\n`;
  assert.throws(() => parsePolicy(bomb), { code: "policy-invalid" });
  assert.throws(() => parsePolicy(`#${"x".repeat(300_000)}`), { code: "policy-invalid" });
});
