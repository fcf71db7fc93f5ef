import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { reportFixture } from "./report.fixture.ts";
import { formatTable } from "./table.ts";
import { plural, printable } from "./text.ts";

const NOW = Date.UTC(2026, 7, 31);
const plain = formatTable(reportFixture, { colour: false, nowMs: NOW });

const LINES: readonly (readonly [what: string, line: RegExp])[] = [
  ["the headline counts", /^docker-archive:app\.tar: 4 packages, 4 findings \(2 critical, 1 high, 1 medium\)$/m],
  ["one upgrade for a package's findings", /^lodash 4\.17\.5 in app\/node_modules.*: upgrade to 4\.17\.21 fixes 2$/m],
  ["a finding with its fix", /^ {2}high {6}CVE-2021-23337 {7}CVSS 7\.2, fixed in 4\.17\.21$/m],
  ["exploitation", /GHSA-4xc9-xhrj-v574 {2}known to be exploited, fixed in 4\.17\.11$/m],
  ["malware", /^evil 1\.0\.0 in .*: malware, remove it$/m],
  [
    "secrets, redacted, with their place",
    /AWS access key AKIA… \(20 characters\), proven, in app\/\.env:3 \(layer sha256:cdcdcdcdcdcd\)$/m,
  ],
  ["problems", /^ {2}big\.bin: too-large/m],
  ["what was not covered", /^ {2}1 package of Debian:12 could not be matched/m],
  ["the age of each source", /GitHub advisory database {2}of 2026-08-21 \(10 days old\), 1,234 entries$/m],
  ["the verdict with its reasons", /^Verdict: BLOCKED\n {2}evil 1\.0\.0 is malware/m],
];
for (const [what, line] of LINES) test(`the table shows ${what}`, () => assert.match(plain, line));

test("colours change nothing but colour, and are only there when asked for", () => {
  const coloured = formatTable(reportFixture, { colour: true, nowMs: NOW });
  assert.notEqual(coloured, plain);
  assert.equal(stripVTControlCharacters(coloured), plain);
  assert.equal(stripVTControlCharacters(plain), plain);
});

test("the verdict tells a package's vulnerabilities together, with the version that passes all of them", () => {
  const [found] = reportFixture.verdict.reasons.filter(({ finding }) => finding.id === "CVE-2021-23337");
  assert.ok(found);
  const reasons = ["1", "2", "3", "4"].map((digit) => ({
    ...found,
    finding: { ...found.finding, id: `CVE-2024-1000${digit}`, fixed: `4.${digit}0.0` },
  }));
  const text = formatTable({ ...reportFixture, verdict: { outcome: "block", reasons } }, { colour: false, nowMs: NOW });
  assert.match(
    text,
    /\n {2}lodash 4\.17\.5 has CVE-2024-10001, CVE-2024-10002, CVE-2024-10003 and 1 more, found in .*; version 4\.40\.0 would pass\. \[fixable-critical-and-high\]\n$/,
  );
});

test("long lists are cut and counted", () => {
  const short = formatTable(reportFixture, { colour: false, nowMs: NOW, limit: 1 });
  assert.match(short, /CVE-2021-23337.*\n {2}and 1 more\n/);
});

test("an empty report passes in a few lines, and says that there are no advisories", () => {
  const empty = {
    ...reportFixture,
    packages: [],
    findings: [],
    problems: [],
    sources: [],
    notCovered: [],
    verdict: { outcome: "pass", reasons: [] },
  } as const;
  assert.equal(
    formatTable(empty, { colour: false, nowMs: NOW }),
    "docker-archive:app.tar: 0 packages, no findings\n\nAdvisories: none\n\nVerdict: pass\n",
  );
});

test("a pass with gaps says so", () => {
  const gap = { ...reportFixture, findings: [], verdict: { outcome: "pass", reasons: [] } } as const;
  assert.match(formatTable(gap, { colour: false, nowMs: NOW }), /\nVerdict: pass, as far as was covered\n$/);
});

test("terminal tricks in names are made visible", () => {
  assert.ok(!plain.includes("\u001b"));
  assert.equal(printable("a\u001b[2J\u202eb\nc"), "a?[2J?b?c");
});

test("numbers read well", () => {
  assert.deepEqual([plural(1, "day"), plural(1234567, "entry", "entries")], ["1 day", "1,234,567 entries"]);
});
