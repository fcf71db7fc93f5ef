import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { reportFixture } from "./report.fixture.ts";
import { formatSpdx } from "./spdx.ts";

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1 });
const Id = Type.String({ pattern: "^SPDXRef-[A-Za-z0-9.-]+$" });

/** The parts of spdx-schema.json (2.3) that we write, with the constraints of the specification's text. */
const Document = Type.Object(
  {
    spdxVersion: Type.Literal("SPDX-2.3"),
    dataLicense: Type.Literal("CC0-1.0"),
    SPDXID: Type.Literal("SPDXRef-DOCUMENT"),
    name: Text,
    documentNamespace: Type.String({ pattern: "^urn:uuid:[0-9a-f-]{36}$" }),
    creationInfo: Type.Object(
      {
        created: Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" }),
        creators: Type.Array(Type.String({ pattern: "^(?:Tool|Person|Organization): " }), { minItems: 1 }),
      },
      strict,
    ),
    packages: Type.Array(
      Type.Object(
        {
          SPDXID: Id,
          name: Text,
          versionInfo: Type.Optional(Type.String()),
          downloadLocation: Type.Literal("NOASSERTION"),
          filesAnalyzed: Type.Literal(false),
          licenseConcluded: Text,
          licenseDeclared: Text,
          copyrightText: Text,
          primaryPackagePurpose: Type.Enum(["APPLICATION", "CONTAINER", "LIBRARY"]),
          sourceInfo: Type.Optional(Text),
          externalRefs: Type.Optional(
            Type.Array(
              Type.Object(
                {
                  referenceCategory: Type.Literal("PACKAGE-MANAGER"),
                  referenceType: Type.Literal("purl"),
                  referenceLocator: Type.String({ pattern: "^pkg:" }),
                },
                strict,
              ),
            ),
          ),
        },
        strict,
      ),
    ),
    relationships: Type.Array(
      Type.Object(
        { spdxElementId: Id, relationshipType: Type.Enum(["DESCRIBES", "CONTAINS"]), relatedSpdxElement: Id },
        strict,
      ),
    ),
    hasExtractedLicensingInfos: Type.Optional(
      Type.Array(
        Type.Object(
          { licenseId: Type.String({ pattern: "^LicenseRef-[A-Za-z0-9.-]+$" }), extractedText: Text, name: Text },
          strict,
        ),
      ),
    ),
  },
  strict,
);

const options = { timestampMs: Date.UTC(2026, 0, 1) };
const document = JSON.parse(formatSpdx(reportFixture, options));
const packageOf = (name: string) => document.packages.find((item: { name: string }) => item.name === name);

test("is an SPDX 2.3 document", () => {
  const errors = Value.Errors(Document, document).map(({ instancePath, message }) => `${instancePath} ${message}`);
  assert.deepEqual(errors, []);
});

test("every package is contained once, and every relationship's ends exist", () => {
  const ids = document.packages.map((item: { SPDXID: string }) => item.SPDXID);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, reportFixture.packages.length + 1);
  const ends = new Set(document.relationships.map((item: { relatedSpdxElement: string }) => item.relatedSpdxElement));
  assert.deepEqual([...ends].sort(), [...ids].sort());
});

test("licences are expressions, or references whose text is there", () => {
  assert.deepEqual([packageOf("lodash").licenseDeclared, packageOf("libssl3").licenseDeclared], ["MIT", "NOASSERTION"]);
  const reference = packageOf("evil").licenseDeclared;
  assert.match(reference, /^LicenseRef-/);
  const [info] = document.hasExtractedLicensingInfos;
  assert.deepEqual([info.licenseId, info.extractedText], [reference, "See LICENSE"]);
});

test("the namespace is of the content", () => {
  const other = JSON.parse(formatSpdx({ ...reportFixture, packages: reportFixture.packages.slice(1) }, options));
  assert.notEqual(other.documentNamespace, document.documentNamespace);
  const turned = { ...reportFixture, packages: reportFixture.packages.toReversed() };
  assert.equal(formatSpdx(turned, options), formatSpdx(reportFixture, options));
});
