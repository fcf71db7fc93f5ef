import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Value } from "typebox/value";
import type { Report } from "../model.ts";
import { formatJson } from "./json.ts";
import { readBaseline } from "./read.ts";
import { reportFixture } from "./report.fixture.ts";
import { formatReportSchema, ReportSchema } from "./schema.ts";

test("the published schema is the one of this version", () => {
  const published = readFileSync(new URL("../../../../docs/report.schema.json", import.meta.url), "utf8");
  assert.deepEqual(JSON.parse(published), JSON.parse(formatReportSchema()), "run: npm run schema -w @flotilla/guard");
});

const errorsOf = (report: unknown) =>
  Value.Errors(ReportSchema, report).map(({ instancePath, message }) => `${instancePath} ${message}`);

test("what we write fits the schema, every optional member included", () => {
  assert.deepEqual(errorsOf(JSON.parse(formatJson(reportFixture))), []);
  const [finding] = reportFixture.findings;
  const full: Report = {
    ...reportFixture,
    findings: [
      {
        ...finding!,
        epss: 0.5,
        published: "2026-01-01",
        base: true,
        known: true,
        statement: {
          kind: "vex",
          status: "fixed",
          by: "a",
          reason: "r",
          document: "d",
          justification: "j",
          expires: "e",
        },
      },
    ],
    verdict: { ...reportFixture.verdict, dryRun: reportFixture.verdict.reasons },
  };
  assert.deepEqual(errorsOf(JSON.parse(formatJson(full))), []);
});

test("a member that the schema does not know does not fit it", () =>
  assert.notDeepEqual(errorsOf({ ...reportFixture, extra: 1 }), []));

test("a report can be read back as a baseline; anything else is refused", () => {
  const read = readBaseline(Buffer.from(formatJson(reportFixture)), "r.json");
  assert.deepEqual(
    read.map(({ kind, id, purl, fingerprint }) => [kind, id, purl, fingerprint]),
    reportFixture.findings.map(({ kind, id, purl, fingerprint }) => [kind, id, purl, fingerprint]),
  );
  for (const text of ["", "{}", "[]", '{"findings":[{}]}'])
    assert.throws(() => readBaseline(Buffer.from(text), "r.json"), { code: "report-invalid", message: /^r\.json: / });
});
