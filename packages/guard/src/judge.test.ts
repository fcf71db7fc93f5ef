import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import { memoryStore } from "./advisories/store.ts";
import { judge } from "./judge.ts";
import type { Advisory, Inventory, Package, Scanner, SecretHit } from "./model.ts";
import { builtInPolicy } from "./policy/built-in.ts";

const SOURCES = [{ name: "S", asOf: "2026-01-01T00:00:00.000Z", count: 2 }];
const ranges = [{ introduced: "0", fixed: "2.0.0" }];
const base = { aliases: [], source: "S", kind: "vulnerability", ranges, versions: [] } as const;
const advisories: readonly Advisory[] = [
  { ...base, id: "CVE-2024-10002", severity: "low" },
  { ...base, id: "CVE-2024-10009", severity: "critical" },
];
const store = memoryStore(SOURCES, [
  { ecosystem: "npm", name: "a", advisories },
  { ecosystem: "npm", name: "b", advisories },
]);

const item = (ecosystem: Package["ecosystem"], name: string, more: Partial<Package> = {}): Package => ({
  purl: `pkg:${ecosystem}/${name}@1.0.0`,
  ecosystem,
  name,
  version: "1.0.0",
  evidence: "installed",
  locations: [{ path: name }],
  ...more,
});
const secret = (path: string, fill: string, confidence: SecretHit["confidence"]): SecretHit => ({
  rule: "token",
  title: "a token",
  confidence,
  severity: "high",
  sample: "tok_… (30 characters)",
  fingerprint: asDigest(`sha256:${fill.repeat(64)}`),
  location: { path },
});

const inventory: Inventory = {
  packages: [item("npm", "b"), item("deb", "dpkg", { distro: "Debian:12" }), item("npm", "a"), item("go", "m")],
  secrets: [secret("one", "a", "proven"), secret("two", "a", "proven"), secret("three", "b", "likely")],
  problems: [{ path: "x", reason: "too-large: y" }],
};
const ALL: readonly Scanner[] = ["inventory", "vulnerability", "secret"];
const run = (scanners: readonly Scanner[], from = inventory) =>
  judge({ target: "t", inventory: from, store, policy: builtInPolicy, scanners });

test("findings stand worst first, then by package, whatever the order of the inventory", () => {
  const report = run(ALL);
  assert.deepEqual(
    report.findings.map(({ kind, id, purl }) => [kind, id, purl]),
    [
      ["secret", "token", undefined],
      ["secret", "token", undefined],
      ["vulnerability", "CVE-2024-10009", "pkg:npm/a@1.0.0"],
      ["vulnerability", "CVE-2024-10009", "pkg:npm/b@1.0.0"],
      ["vulnerability", "CVE-2024-10002", "pkg:npm/a@1.0.0"],
      ["vulnerability", "CVE-2024-10002", "pkg:npm/b@1.0.0"],
    ],
  );
  const turned = { ...inventory, packages: inventory.packages.toReversed() };
  assert.deepEqual(run(ALL, turned).findings, report.findings);
});

test("one secret in two places is one finding with both", () => {
  const places = run(ALL)
    .findings.filter(({ kind }) => kind === "secret")
    .map(({ confidence, locations }) => [confidence, locations.map(({ path }) => path)]);
  assert.deepEqual(places, [
    ["proven", ["one", "two"]],
    ["likely", ["three"]],
  ]);
});

test("the verdict is the policy's, and reports carry problems and the age of every source", () => {
  const report = run(ALL);
  assert.equal(report.verdict.outcome, "block");
  assert.equal(report.verdict.reasons.filter(({ outcome }) => outcome === "block").length, 3);
  assert.deepEqual(report.problems, inventory.problems);
  assert.deepEqual(report.sources, SOURCES);
});

test("what was not looked at is said: scanners that are off, streams without advisories", () => {
  assert.deepEqual(run(ALL).notCovered, [
    "1 package of Debian:12 could not be matched: the advisory store has no source for them (flotilla db import).",
    "1 package of Go could not be matched: the advisory store has no source for them (flotilla db import).",
  ]);
  assert.deepEqual(run(["vulnerability", "secret"]).notCovered, run(ALL).notCovered);
  const bare = run(["inventory"]);
  assert.deepEqual([bare.findings, bare.verdict.outcome], [[], "pass"]);
  assert.deepEqual(bare.notCovered, [
    'Not looked for: vulnerabilities and malware (scanner "vulnerability" is off).',
    'Not looked for: secrets (scanner "secret" is off).',
  ]);
});
