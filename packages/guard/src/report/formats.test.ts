import assert from "node:assert/strict";
import { test } from "node:test";
import type { Report } from "../model.ts";
import { REPORT_FORMATS } from "./formats.ts";
import { reportFixture } from "./report.fixture.ts";

const options = { timestampMs: Date.UTC(2026, 0, 1), colour: false };
const empty: Report = {
  ...reportFixture,
  packages: [],
  findings: [],
  problems: [],
  sources: [],
  notCovered: [],
  verdict: { outcome: "pass", reasons: [] },
};

for (const [name, format] of Object.entries(REPORT_FORMATS)) {
  test(`${name}: equal reports and times give equal bytes`, () => {
    const text = format(reportFixture, options);
    assert.equal(format(structuredClone(reportFixture), { ...options }), text);
    assert.ok(text.endsWith("\n"));
  });

  test(`${name}: an empty report, and one with texts that are no Unicode, can be written`, () => {
    assert.notEqual(format(empty, options), "");
    const broken = "\ud800 \u0000 %";
    const findings = reportFixture.findings.map((finding) => ({
      ...finding,
      id: broken,
      title: broken,
      location: { path: broken },
      locations: [{ path: broken }],
      ...(finding.purl === undefined ? {} : { purl: `pkg:npm/${broken}@1` }),
    }));
    const packages = reportFixture.packages.map((item) => ({ ...item, name: broken, licence: broken }));
    assert.notEqual(format({ ...reportFixture, target: broken, findings, packages }, options), "");
  });

  test(`${name}: neither a secret nor its hash is in it, but for the JSON, which carries the hash`, () => {
    const text = format(reportFixture, options);
    if (name !== "json") assert.ok(!text.includes("ef".repeat(32)));
  });
}

test("the time in a report is the one that was given", () => {
  const later = { ...options, timestampMs: options.timestampMs + 1000 };
  const timed = ["sarif", "cyclonedx", "spdx", "openvex", "html", "gitlab-secret"];
  for (const name of timed)
    assert.notEqual(REPORT_FORMATS[name]?.(reportFixture, later), REPORT_FORMATS[name]?.(reportFixture, options), name);
});
