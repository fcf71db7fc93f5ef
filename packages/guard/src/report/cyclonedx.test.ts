import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { formatCycloneDx } from "./cyclonedx.ts";
import { toCycloneDxLicence } from "./licences.ts";
import { reportFixture } from "./report.fixture.ts";

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1 });
const Properties = Type.Array(Type.Object({ name: Text, value: Type.String() }, strict));
const Source = Type.Object({ name: Text }, strict);
const Licence = Type.Union([
  Type.Object({ license: Type.Object({ id: Text }, strict) }, strict),
  Type.Object({ license: Type.Object({ name: Text }, strict) }, strict),
  Type.Object({ expression: Text }, strict),
]);

/** The parts of bom-1.6.schema.json that we write, with its own constraints; what we did not mean to write is refused. */
const Bom = Type.Object(
  {
    $schema: Type.Literal("http://cyclonedx.org/schema/bom-1.6.schema.json"),
    bomFormat: Type.Literal("CycloneDX"),
    specVersion: Type.Literal("1.6"),
    serialNumber: Type.String({
      pattern: "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    }),
    version: Type.Literal(1),
    metadata: Type.Object(
      {
        timestamp: Type.Optional(Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" })),
        tools: Type.Object(
          { components: Type.Array(Type.Object({ type: Type.Literal("application"), name: Text }, strict)) },
          strict,
        ),
        component: Type.Object({ type: Type.Enum(["application", "container"]), name: Text, "bom-ref": Text }, strict),
        properties: Properties,
      },
      strict,
    ),
    components: Type.Array(
      Type.Object(
        {
          type: Type.Literal("library"),
          "bom-ref": Text,
          group: Type.Optional(Text),
          name: Text,
          version: Type.String({ maxLength: 1024 }),
          scope: Type.Optional(Type.Enum(["required", "optional", "excluded"])),
          licenses: Type.Optional(Type.Array(Licence, { minItems: 1, maxItems: 1 })),
          purl: Text,
          properties: Properties,
        },
        strict,
      ),
      { uniqueItems: true },
    ),
    vulnerabilities: Type.Array(
      Type.Object(
        {
          "bom-ref": Text,
          id: Text,
          source: Source,
          references: Type.Optional(Type.Array(Type.Object({ id: Text, source: Source }, strict), { minItems: 1 })),
          ratings: Type.Array(
            Type.Object(
              {
                severity: Type.Enum(["critical", "high", "medium", "low", "unknown"]),
                score: Type.Optional(Type.Number()),
              },
              strict,
            ),
          ),
          recommendation: Type.Optional(Text),
          affects: Type.Array(Type.Object({ ref: Text }, strict), { minItems: 1 }),
          properties: Properties,
        },
        strict,
      ),
      { uniqueItems: true },
    ),
  },
  strict,
);

const bom = JSON.parse(formatCycloneDx(reportFixture, { timestampMs: Date.UTC(2026, 0, 1) }));

test("is a CycloneDX 1.6 document", () => {
  const errors = Value.Errors(Bom, bom).map(({ instancePath, message }) => `${instancePath} ${message}`);
  assert.deepEqual(errors, []);
});

test("references are unique, and what vulnerabilities affect is among the components", () => {
  const refs = [bom.metadata.component, ...bom.components, ...bom.vulnerabilities].map((item) => item["bom-ref"]);
  assert.equal(new Set(refs).size, refs.length);
  for (const { affects } of bom.vulnerabilities) assert.ok(refs.includes(affects[0].ref));
});

test("carries purl, licence, layer, severity and the fix", () => {
  const lodash = bom.components.find(({ name }: { name: string }) => name === "lodash");
  assert.equal(lodash.purl, "pkg:npm/lodash@4.17.5");
  assert.deepEqual(lodash.licenses, [{ license: { id: "MIT" } }]);
  assert.ok(lodash.properties.some(({ name }: { name: string }) => name === "flotilla:location:0:layer"));
  const scoped = bom.components.find(({ name }: { name: string }) => name === "x");
  assert.deepEqual(
    [scoped.group, scoped.scope, scoped.licenses],
    ["@scope", "optional", [{ expression: "MIT OR Apache-2.0" }]],
  );
  const vulnerability = bom.vulnerabilities.find(({ id }: { id: string }) => id === "CVE-2021-23337");
  assert.deepEqual(vulnerability.ratings, [{ severity: "high", score: 7.2 }]);
  assert.match(vulnerability.recommendation, /^Upgrade lodash 4\.17\.5 to 4\.17\.21/);
});

test("the serial number is of the content: same report, same bytes; other report, other number", () => {
  assert.equal(formatCycloneDx(reportFixture), formatCycloneDx(structuredClone(reportFixture)));
  const turned = { ...reportFixture, packages: reportFixture.packages.toReversed() };
  assert.equal(formatCycloneDx(turned), formatCycloneDx(reportFixture));
  const other = JSON.parse(formatCycloneDx({ ...reportFixture, packages: reportFixture.packages.slice(1) }));
  assert.notEqual(other.serialNumber, JSON.parse(formatCycloneDx(reportFixture)).serialNumber);
});

test("the secret is not in the document", () => assert.doesNotMatch(JSON.stringify(bom), /AKIA|efefef/));

const LICENCES: readonly (readonly [declared: string, written: unknown])[] = [
  ["Apache-2.0", { license: { id: "Apache-2.0" } }],
  ["MIT AND (BSD-3-Clause OR ISC)", { expression: "MIT AND (BSD-3-Clause OR ISC)" }],
  ["MIT OR whatever", { license: { name: "MIT OR whatever" } }],
  ["MIT AND", { license: { name: "MIT AND" } }],
  ["BSD", { license: { name: "BSD" } }],
];
for (const [declared, written] of LICENCES)
  test(`the licence ${declared}`, () => assert.deepEqual(toCycloneDxLicence(declared), written));
