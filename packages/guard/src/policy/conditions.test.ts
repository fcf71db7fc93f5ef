import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import { memoryStore } from "../advisories/store.ts";
import { judge } from "../judge.ts";
import type { Advisory, Finding, Inventory, Package } from "../model.ts";
import { reportFixture } from "../report/report.fixture.ts";
import { evaluate } from "./evaluate.ts";
import { parsePolicy } from "./parse.ts";
import type { Policy, PolicyRule } from "./policy.ts";
import { traceVerdict } from "./trace.ts";

const NOW = Date.UTC(2026, 5, 15);
const BASE = asDigest(`sha256:${"aa".repeat(32)}`);
const OWN = asDigest(`sha256:${"bb".repeat(32)}`);
const { cvss: _, ...lodash }: Finding = reportFixture.findings.find(({ id }) => id === "CVE-2021-23337")!;
const licensed = (title: string | undefined): Finding => ({ ...lodash, kind: "licence", ...(title && { title }) });

const CASES: readonly (readonly [what: string, rule: Partial<PolicyRule>, finding: Finding, holds: boolean])[] = [
  ["a score at the bound", { minCvss: 7 }, { ...lodash, cvss: 7 }, true],
  ["a score below it", { minCvss: 7 }, { ...lodash, cvss: 6.9 }, false],
  ["no score", { minCvss: 0 }, lodash, false],
  ["a probability at the bound", { minEpss: 0.1 }, { ...lodash, epss: 0.1 }, true],
  ["a probability below it", { minEpss: 0.1 }, { ...lodash, epss: 0.09 }, false],
  ["no probability", { minEpss: 0 }, lodash, false],
  ["an age at the bound", { minAgeDays: 14 }, { ...lodash, published: "2026-06-01" }, true],
  ["an age below it", { minAgeDays: 15 }, { ...lodash, published: "2026-06-01" }, false],
  ["no age", { minAgeDays: 0 }, lodash, false],
  ["the base image's", { fromBaseImage: true }, { ...lodash, base: true }, true],
  ["one's own where the base image's is asked for", { fromBaseImage: true }, { ...lodash, base: false }, false],
  ["one's own", { fromBaseImage: false }, { ...lodash, base: false }, true],
  ["an unknown boundary, asked for the base image's", { fromBaseImage: true }, lodash, false],
  ["an unknown boundary, asked for one's own", { fromBaseImage: false }, lodash, false],
  ["a listed licence", { licences: ["GPL-3.0-only"] }, licensed("GPLv3"), true],
  ["a licence that can be chosen away", { licences: ["GPL-3.0-only"] }, licensed("MIT OR GPL-3.0-only"), false],
  ["a licence that comes along", { licences: ["GPL-3.0-only"] }, licensed("MIT AND GPL-3.0-only"), true],
  ["a choice of listed ones", { licences: ["MIT", "ISC"] }, licensed("MIT OR ISC"), true],
  ["a listed text", { licences: ["Proprietary"] }, licensed("proprietary"), true],
  ["a category", { licenceCategories: ["strong-copyleft"] }, licensed("AGPL-3.0"), true],
  ["another category", { licenceCategories: ["strong-copyleft"] }, licensed("MIT"), false],
  ["no licence", { licenceCategories: ["unknown"] }, licensed(undefined), true],
  ["a vulnerability under a rule of licences", { licenceCategories: ["unknown"] }, lodash, false],
  ["the last day", { expires: "2026-06-15" }, lodash, true],
  ["the day after it", { expires: "2026-06-14" }, lodash, false],
];
for (const [what, conditions, finding, holds] of CASES)
  test(`${JSON.stringify(conditions)} ${holds ? "matches" : "does not match"} ${what}`, () => {
    const rules = [{ name: "r", action: "block", ...conditions } as const];
    assert.equal(evaluate({ name: "p", rules }, [finding], { nowMs: NOW }).outcome, holds ? "block" : "warn");
    assert.deepEqual(parsePolicy(JSON.stringify({ rules }), "p").rules, rules);
  });

test("without a time an exception with an end does not hold, and a block with an end does", () => {
  const outcome = (action: "block" | "ignore") =>
    evaluate({ name: "p", rules: [{ name: "r", action, expires: "2099-01-01" }] }, [lodash]).outcome;
  assert.deepEqual([outcome("ignore"), outcome("block")], ["warn", "block"]);
});

test("a rule on trial decides nothing and reports what it would have done", () => {
  const rules = [
    { name: "trial", action: "block", dryRun: true },
    { name: "rest", action: "warn" },
  ] as const;
  const verdict = evaluate({ name: "p", rules }, [lodash]);
  assert.deepEqual([verdict.outcome, verdict.reasons.map(({ rule }) => rule)], ["warn", ["rest"]]);
  assert.deepEqual(
    verdict.dryRun?.map(({ rule, outcome }) => [rule, outcome]),
    [["trial", "block"]],
  );
});

test("days that are none and scores out of range are refused", () => {
  for (const rule of [
    "expires: 2026-13-01",
    "expires: tomorrow",
    "minCvss: 11",
    "minEpss: 2",
    "licenceCategories: [free]",
  ])
    assert.throws(() => parsePolicy(`rules:\n  - name: a\n    action: warn\n    ${rule}\n`), {
      code: "policy-invalid",
    });
});

const item = (name: string, licence: string | undefined, layer = OWN): Package => ({
  purl: `pkg:npm/${name}@1.0.0`,
  ecosystem: "npm",
  name,
  version: "1.0.0",
  evidence: "installed",
  ...(licence === undefined ? {} : { licence }),
  locations: [{ path: `${name}/package.json`, layer }],
});
const inventory: Inventory = {
  packages: [item("a", "MIT"), item("b", "GPL-3.0"), item("c", undefined)],
  secrets: [],
  problems: [],
};
const advisory = (id: string): Advisory => ({
  id,
  aliases: [],
  source: "s",
  kind: "vulnerability",
  severity: "high",
  ranges: [{ introduced: "0", fixed: "2.0.0" }],
  versions: [],
});
const store = memoryStore(
  [],
  [
    { ecosystem: "npm", name: "a", advisories: [advisory("CVE-2026-1"), advisory("CVE-2026-2")] },
    { ecosystem: "npm", name: "b", advisories: [advisory("CVE-2026-1")] },
  ],
);
const blockAll: Policy = { name: "p", rules: [{ name: "all", action: "block" }] };
const scanners = ["inventory", "vulnerability"] as const;
const input = { target: "t", inventory, store, policy: blockAll, scanners };

test("licences are findings only where the policy asks about them", () => {
  const licencesBy = (policy: Policy) =>
    judge({ ...input, policy }).findings.flatMap(({ kind, id, purl }) => (kind === "licence" ? [[id, purl]] : []));
  assert.deepEqual(licencesBy(blockAll), []);
  const asking: Policy = {
    name: "p",
    rules: [{ name: "l", licenceCategories: ["strong-copyleft", "unknown"], action: "block" }],
  };
  assert.deepEqual(licencesBy(asking), [
    ["GPL-3.0-only", "pkg:npm/b@1.0.0"],
    ["no-licence", "pkg:npm/c@1.0.0"],
  ]);
  const { reasons } = judge({ ...input, policy: asking }).verdict;
  assert.match(
    reasons.map(({ message }) => message).join(),
    /b 1\.0\.0 is licensed as GPL-3\.0, found in b\/package\.json/,
  );
});

test("the boundary of the base image marks what came with it", () => {
  const packages = [item("a", undefined, BASE), item("b", undefined, OWN)];
  const report = judge({ ...input, inventory: { ...inventory, packages, baseLayers: [BASE] } });
  assert.deepEqual(
    report.findings.map(({ purl, base }) => [purl, base]),
    [
      ["pkg:npm/a@1.0.0", true],
      ["pkg:npm/a@1.0.0", true],
      ["pkg:npm/b@1.0.0", false],
    ],
  );
});

test("with a baseline only what is new decides; a new version of the package is not new, another package is", () => {
  const old = judge({ ...input, inventory: { ...inventory, packages: [item("a", undefined)] } }).findings;
  const before = old.filter(({ id }) => id === "CVE-2026-1").map((one) => ({ ...one, purl: "pkg:npm/a@0.9.0" }));
  const report = judge({ ...input, baseline: before });
  assert.deepEqual(
    report.verdict.reasons.map(({ finding }) => `${finding.id} ${finding.purl}`),
    ["CVE-2026-2 pkg:npm/a@1.0.0", "CVE-2026-1 pkg:npm/b@1.0.0"],
  );
  assert.equal(judge({ ...input, baseline: report.findings }).verdict.outcome, "pass");
  assert.equal(judge({ ...input, baseline: [] }).verdict.reasons.length, 3);
});

test("the trace tells each rule that was asked and why it did not match", () => {
  const policy: Policy = {
    name: "ours",
    rules: [
      { name: "worst", minSeverity: "critical", exploited: true, action: "block" },
      { name: "trial", dryRun: true, action: "block" },
      { name: "fixable", fixAvailable: true, action: "warn" },
    ],
  };
  const findings = [lodash, { ...lodash, known: true }];
  assert.deepEqual(traceVerdict(policy, findings, evaluate(policy, findings)), [
    'Policy "ours": warn, for 0 of 2 findings block and 1 warn.',
    "CVE-2021-23337 (vulnerability, high) in lodash 4.17.5",
    "  worst: no, minSeverity critical and exploited true does not hold",
    "  trial: would block, but is on trial",
    "  fixable: matches, so warn",
    "CVE-2021-23337 (vulnerability, high) in lodash 4.17.5",
    "  not asked: the baseline has it too",
  ]);
});
