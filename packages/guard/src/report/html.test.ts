import assert from "node:assert/strict";
import { test } from "node:test";
import type { Report } from "../model.ts";
import { formatHtml } from "./html.ts";
import { reportFixture } from "./report.fixture.ts";

const options = { timestampMs: Date.UTC(2026, 0, 1) };
const html = formatHtml(reportFixture, options);

test("shows verdict, upgrade, finding, package, problem, gap and source", () => {
  for (const text of [
    /<strong>Blocked<\/strong>/,
    /<td>lodash 4\.17\.5<\/td><td>4\.17\.21, 4\.17\.11<\/td><td>2<\/td>/,
    /<code>CVE-2021-23337<\/code>/,
    /known to be exploited/,
    /AWS access key/,
    /<td>big\.bin<\/td><td>too-large/,
    /of Debian:12 could not be matched/,
    /<td>GitHub advisory database<\/td><td>2026-08-21<\/td>/,
    /aria-label="Findings by severity: critical 2, high 1, medium 1, low 0, unknown 0"/,
  ])
    assert.match(html, text);
});

test("fetches nothing and runs nothing", () => {
  assert.doesNotMatch(html, /<script|<link|<img|<iframe|https?:|url\(|@import|\son[a-z]+=/i);
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
});

/** The report with every text in it replaced, structure and known words kept. */
function poisoned(value: unknown, key = ""): unknown {
  const kept = ["kind", "severity", "outcome", "evidence", "ecosystem", "asOf", "confidence"];
  if (typeof value === "string") return kept.includes(key) ? value : `<b onload="x()">'&\u0000${value}`;
  if (Array.isArray(value)) return value.map((item) => poisoned(item, key));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, poisoned(member, name)]));
  return value;
}

test("whatever an artifact calls its things is text", () => {
  const hostile = formatHtml(poisoned(reportFixture) as Report, options);
  assert.doesNotMatch(hostile, /<b /);
  assert.match(hostile, /&lt;b onload=&quot;x\(\)&quot;&gt;&#39;&amp;\ufffd/);
  const tags = new Set([...hostile.matchAll(/<([a-z][a-z0-9]*)/g)].map((match) => match[1]));
  const own = new Set([...html.matchAll(/<([a-z][a-z0-9]*)/g)].map((match) => match[1]));
  assert.deepEqual([...tags].sort(), [...own].sort());
});

test("an empty report is a page that passed", () => {
  const empty = { ...reportFixture, packages: [], findings: [], problems: [], sources: [], notCovered: [] };
  const page = formatHtml({ ...empty, verdict: { outcome: "pass", reasons: [] } }, options);
  assert.match(page, /<strong>Passed<\/strong>/);
  assert.doesNotMatch(page, /<table>/);
});
