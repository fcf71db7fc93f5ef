import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { Value } from "typebox/value";
import type { Statement } from "../model.ts";
import { formatOpenVex } from "./openvex.ts";
import { reportFixture } from "./report.fixture.ts";

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1 });
/** The parts of the OpenVEX 0.2.0 schema that we write. */
const Document = Type.Object(
  {
    "@context": Type.Literal("https://openvex.dev/ns/v0.2.0"),
    "@id": Type.String({ pattern: "^urn:uuid:" }),
    author: Text,
    role: Text,
    timestamp: Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" }),
    version: Type.Integer({ minimum: 1 }),
    tooling: Text,
    statements: Type.Array(
      Type.Object(
        {
          vulnerability: Type.Object({ name: Text, aliases: Type.Optional(Type.Array(Text)) }, strict),
          products: Type.Array(Type.Object({ "@id": Type.String({ pattern: "^pkg:" }) }, strict), { minItems: 1 }),
          status: Type.Enum(["not_affected", "affected", "fixed", "under_investigation"]),
          justification: Type.Optional(Text),
          impact_statement: Type.Optional(Text),
          action_statement: Type.Optional(Text),
          status_notes: Type.Optional(Text),
        },
        strict,
      ),
    ),
  },
  strict,
);

const options = { timestampMs: Date.UTC(2026, 0, 1) };

/** The statement on the first vulnerability when `statement` was said of it. */
function written(statement?: Statement) {
  const findings = reportFixture.findings.map((finding) => ({ ...finding, ...(statement && { statement }) }));
  const document = JSON.parse(formatOpenVex({ ...reportFixture, findings }, options));
  const errors = Value.Errors(Document, document).map(({ instancePath, message }) => `${instancePath} ${message}`);
  assert.deepEqual(errors, []);
  return document.statements[0];
}

test("what nobody has spoken of is affected, with the act that mends it", () => {
  assert.deepEqual(written(), {
    vulnerability: { name: "CVE-2021-23337", aliases: ["GHSA-35jh-r3h4-6jhm"] },
    products: [{ "@id": "pkg:npm/lodash@4.17.5" }],
    status: "affected",
    action_statement: "Upgrade lodash 4.17.5 to 4.17.21 or later.",
  });
});

const base = { kind: "waiver", by: "ann@example.org", reason: "not reached", document: "waivers.yaml" } as const;
const STATUSES: readonly (readonly [status: Statement["status"], written: string, words: RegExp])[] = [
  ["accepted", "affected", /^Accepted until 2027-01-01: not reached \(ann@example\.org, waivers\.yaml\)$/],
  ["not-affected", "not_affected", /not reached/],
  ["fixed", "fixed", /not reached/],
  ["under-investigation", "under_investigation", /not reached/],
  ["affected", "affected", /not reached/],
];
for (const [status, expected, words] of STATUSES)
  test(`a statement "${status}" is written as ${expected} with its reason`, () => {
    const statement = written({
      ...base,
      status,
      expires: "2027-01-01",
      ...(status === "not-affected" ? { justification: "component_not_present" } : {}),
    });
    assert.equal(statement.status, expected);
    assert.match(statement.impact_statement ?? statement.status_notes ?? statement.action_statement, words);
    // OpenVEX: affected must say what to do, not_affected must say why.
    if (expected === "affected") assert.ok(statement.action_statement);
    if (expected === "not_affected") assert.equal(statement.justification, "component_not_present");
  });

test("secrets and malware are no part of it", () =>
  assert.equal(JSON.parse(formatOpenVex(reportFixture, options)).statements.length, 2));
