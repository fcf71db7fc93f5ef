import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { Value } from "typebox/value";
import type { Report } from "../model.ts";
import { reportFixture } from "./report.fixture.ts";
import { formatSarif } from "./sarif.ts";

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1 });
const Message = Type.Object({ text: Text }, strict);
/** RFC 3986 relative reference without a scheme: no colon, no space, no control characters. */
const Uri = Type.String({ pattern: "^[A-Za-z0-9._~%!$&'()*+,;=@/-]+$" });
const Level = Type.Enum(["error", "warning", "note"]);
const Place = {
  physicalLocation: Type.Object(
    {
      artifactLocation: Type.Object({ uri: Uri }, strict),
      region: Type.Optional(Type.Object({ startLine: Type.Integer({ minimum: 1 }) }, strict)),
    },
    strict,
  ),
  logicalLocations: Type.Optional(Type.Array(Type.Object({ fullyQualifiedName: Text, kind: Text }, strict))),
};
const Rule = Type.Object(
  {
    id: Text,
    name: Text,
    shortDescription: Type.Object({ text: Type.String({ maxLength: 1024 }) }, strict),
    fullDescription: Type.Object({ text: Type.String({ maxLength: 1024 }) }, strict),
    help: Message,
    defaultConfiguration: Type.Object({ level: Level }, strict),
    properties: Type.Object(
      {
        tags: Type.Array(Text),
        precision: Type.Enum(["very-high", "high", "medium", "low"]),
        "security-severity": Type.String({ pattern: "^(?:10|[0-9])\\.[0-9]$" }),
      },
      strict,
    ),
  },
  strict,
);
const Result = Type.Object(
  {
    ruleId: Text,
    ruleIndex: Type.Integer({ minimum: 0 }),
    kind: Type.Literal("fail"),
    level: Level,
    message: Message,
    locations: Type.Array(Type.Object(Place, strict), { minItems: 1, maxItems: 1 }),
    relatedLocations: Type.Optional(Type.Array(Type.Object({ id: Type.Integer(), ...Place }, strict))),
    suppressions: Type.Optional(
      Type.Array(
        Type.Object({ kind: Type.Literal("external"), status: Type.Literal("accepted"), justification: Text }, strict),
      ),
    ),
    baselineState: Type.Optional(Type.Enum(["new", "unchanged"])),
    partialFingerprints: Type.Record(Type.String(), Text),
    properties: Type.Record(Type.String(), Type.Unknown()),
  },
  strict,
);
/** The parts of sarif-schema-2.1.0.json that we write, with its constraints and those of GitHub; anything else is refused. */
const Log = Type.Object(
  {
    $schema: Text,
    version: Type.Literal("2.1.0"),
    runs: Type.Array(
      Type.Object(
        {
          tool: Type.Object(
            {
              driver: Type.Object(
                { name: Text, version: Text, semanticVersion: Text, rules: Type.Array(Rule, { uniqueItems: true }) },
                strict,
              ),
            },
            strict,
          ),
          automationDetails: Type.Object({ id: Text }, strict),
          invocations: Type.Array(
            Type.Object(
              {
                executionSuccessful: Type.Boolean(),
                endTimeUtc: Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" }),
                toolExecutionNotifications: Type.Array(
                  Type.Object(
                    {
                      level: Level,
                      message: Message,
                      locations: Type.Optional(Type.Array(Type.Object(Place, strict))),
                    },
                    strict,
                  ),
                ),
              },
              strict,
            ),
          ),
          columnKind: Type.Literal("utf16CodeUnits"),
          results: Type.Array(Result),
          properties: Type.Record(Type.String(), Type.Unknown()),
        },
        strict,
      ),
      { minItems: 1 },
    ),
  },
  strict,
);

const options = { timestampMs: Date.UTC(2026, 0, 1) };
const read = (report: Report) => JSON.parse(formatSarif(report, options));
const log = read(reportFixture);
const [run] = log.runs;
const resultOf = (id: string, of = run) => of.results.find(({ ruleId }: { ruleId: string }) => ruleId === id);

test("is a SARIF 2.1.0 log", () => {
  const errors = Value.Errors(Log, log).map(({ instancePath, message }) => `${instancePath} ${message}`);
  assert.deepEqual(errors, []);
});

test("every result points at its rule, a relative file and a line", () => {
  assert.equal(run.results.length, reportFixture.findings.length);
  for (const { ruleId, ruleIndex } of run.results) assert.equal(run.tool.driver.rules[ruleIndex].id, ruleId);
  const secret = resultOf("aws-access-key");
  const { artifactLocation, region } = secret.locations[0].physicalLocation;
  assert.deepEqual([artifactLocation.uri, region.startLine], ["app/.env", 3]);
  assert.equal(
    resultOf("MAL-2024-1").locations[0].physicalLocation.artifactLocation.uri,
    "app/evil%1B%5B2J/package.json",
  );
});

test("security-severity is the score, or the middle of the severity's range", () => {
  const severityOf = (id: string) =>
    run.tool.driver.rules.find((rule: { id: string }) => rule.id === id).properties["security-severity"];
  assert.deepEqual(["CVE-2021-23337", "GHSA-4xc9-xhrj-v574", "MAL-2024-1"].map(severityOf), ["7.2", "5.5", "9.5"]);
  assert.deepEqual([resultOf("CVE-2021-23337").level, resultOf("GHSA-4xc9-xhrj-v574").level], ["error", "warning"]);
});

test("fingerprints outlive a new version and a moved line, and tell files and packages apart", () => {
  const printsOf = (change: object) => {
    const findings = reportFixture.findings.map((finding) => ({ ...finding, ...change }));
    return read({ ...reportFixture, findings }).runs[0].results.map(
      (result: { partialFingerprints: unknown }) => result.partialFingerprints,
    );
  };
  const [before] = printsOf({ purl: "pkg:npm/a@1.0.0", location: { path: "x", line: 1 }, locations: [] });
  assert.deepEqual(printsOf({ purl: "pkg:npm/a@1.0.1", location: { path: "x", line: 9 }, locations: [] })[0], before);
  assert.notDeepEqual(printsOf({ purl: "pkg:npm/b@1.0.0", location: { path: "x" }, locations: [] })[0], before);
  assert.notDeepEqual(printsOf({ purl: "pkg:npm/a@1.0.0", location: { path: "y" }, locations: [] })[0], before);
});

test("the secret's hash is not in the log", () => assert.doesNotMatch(JSON.stringify(log), /efefef/));

test("a path that looks like an address stays a relative reference", () => {
  const findings = [{ ...reportFixture.findings[0]!, location: { path: "/javascript:alert(1)/a b" }, locations: [] }];
  const [result] = read({ ...reportFixture, findings }).runs[0].results;
  assert.equal(result.locations[0].physicalLocation.artifactLocation.uri, "javascript%3Aalert(1)/a%20b");
});
