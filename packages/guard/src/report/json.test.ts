import assert from "node:assert/strict";
import { test } from "node:test";
import { formatJson } from "./json.ts";
import { reportFixture } from "./report.fixture.ts";

test("the JSON is the contract that scripts rely on", () => {
  const value = JSON.parse(formatJson(reportFixture));
  assert.deepEqual(Object.keys(value), [
    "target",
    "packages",
    "findings",
    "problems",
    "sources",
    "verdict",
    "notCovered",
  ]);
  assert.deepEqual(value.packages[0].locations, [
    { path: "app/node_modules/lodash/package.json", layer: `sha256:${"cd".repeat(32)}` },
  ]);
  const [finding] = value.findings.filter(({ id }: { id: string }) => id === "CVE-2021-23337");
  const { kind, aliases, purl, severity, fixed, location } = finding;
  assert.deepEqual(
    [kind, aliases, purl, severity, fixed, location.path],
    [
      "vulnerability",
      ["GHSA-35jh-r3h4-6jhm"],
      "pkg:npm/lodash@4.17.5",
      "high",
      "4.17.21",
      "app/node_modules/lodash/package.json",
    ],
  );
  assert.deepEqual(Object.keys(value.problems[0]), ["path", "reason"]);
  assert.deepEqual(Object.keys(value.sources[0]).slice(0, 3), ["name", "asOf", "count"]);
  assert.equal(value.verdict.outcome, "block");
  assert.deepEqual(Object.keys(value.verdict.reasons[0]).sort(), ["finding", "message", "outcome", "rule"]);
});

test("the same report gives the same bytes", () =>
  assert.equal(formatJson(reportFixture), formatJson(structuredClone(reportFixture))));
