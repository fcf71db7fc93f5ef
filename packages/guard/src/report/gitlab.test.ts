import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { formatGitLab, type GitLabForm } from "./gitlab.ts";
import { reportFixture } from "./report.fixture.ts";

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1 });
const Program = Type.Object(
  { id: Text, name: Text, vendor: Type.Object({ name: Text }, strict), version: Text },
  strict,
);
const Time = Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}$" });
const Dependency = Type.Object({ package: Type.Object({ name: Text }, strict), version: Text }, strict);

const LOCATIONS = {
  dependency_scanning: Type.Object({ file: Text, dependency: Dependency }, strict),
  container_scanning: Type.Object(
    { dependency: Dependency, operating_system: Text, image: Type.String({ pattern: "[:@][^/]+$" }) },
    strict,
  ),
  secret_detection: Type.Object(
    {
      file: Text,
      start_line: Type.Optional(Type.Integer({ minimum: 1 })),
      commit: Type.Object({ sha: Text }, strict),
    },
    strict,
  ),
} as const;

/** The parts of GitLab's security-report-schemas (15.0) that we write. */
const schemaOf = (form: GitLabForm) =>
  Type.Object(
    {
      version: Type.String({ pattern: "^15\\.\\d+\\.\\d+$" }),
      scan: Type.Object(
        {
          analyzer: Program,
          scanner: Program,
          type: Type.Literal(form),
          start_time: Time,
          end_time: Time,
          status: Type.Literal("success"),
          messages: Type.Array(Type.Object({ level: Type.Literal("warn"), value: Text }, strict)),
        },
        strict,
      ),
      vulnerabilities: Type.Array(
        Type.Object(
          {
            id: Type.String({ pattern: "^[0-9a-f-]{36}$" }),
            name: Type.String({ minLength: 1, maxLength: 255 }),
            description: Text,
            severity: Type.Enum(["Critical", "High", "Medium", "Low", "Unknown", "Info"]),
            solution: Type.Optional(Text),
            identifiers: Type.Array(Type.Object({ type: Text, name: Text, value: Text }, strict), { minItems: 1 }),
            location: LOCATIONS[form],
          },
          strict,
        ),
      ),
      ...(form === "dependency_scanning"
        ? {
            dependency_files: Type.Array(
              Type.Object({ path: Text, package_manager: Text, dependencies: Type.Array(Dependency) }, strict),
            ),
          }
        : {}),
    },
    strict,
  );

const options = { timestampMs: Date.UTC(2026, 0, 1) };
const FORMS: readonly (readonly [form: GitLabForm, ids: readonly string[]])[] = [
  ["dependency_scanning", ["MAL-2024-1", "CVE-2021-23337", "GHSA-4xc9-xhrj-v574"]],
  ["container_scanning", ["MAL-2024-1", "CVE-2021-23337", "GHSA-4xc9-xhrj-v574"]],
  ["secret_detection", ["aws-access-key"]],
];
for (const [form, ids] of FORMS)
  test(`the form ${form} fits its schema and holds what belongs there`, () => {
    const document = JSON.parse(formatGitLab(reportFixture, form, options));
    const errors = Value.Errors(schemaOf(form), document).map((error) => `${error.instancePath} ${error.message}`);
    assert.deepEqual(errors, []);
    const found = document.vulnerabilities.map(
      ({ identifiers }: { identifiers: { value: string }[] }) => identifiers[0]?.value,
    );
    assert.deepEqual(found.sort(), [...ids].sort());
  });

test("aliases are identifiers of their kind, and the fix is the solution", () => {
  const { vulnerabilities } = JSON.parse(formatGitLab(reportFixture, "dependency_scanning", options));
  const found = vulnerabilities.find((item: { name: string }) => item.name.startsWith("CVE-2021-23337"));
  assert.deepEqual(
    found.identifiers.map(({ type, value }: { type: string; value: string }) => [type, value]),
    [
      ["cve", "CVE-2021-23337"],
      ["ghsa", "GHSA-35jh-r3h4-6jhm"],
    ],
  );
  assert.match(found.solution, /to 4\.17\.21/);
});

test("the same finding keeps its id; another version of the package is another", () => {
  const idsOf = (purl: string) => {
    const findings = reportFixture.findings
      .filter(({ kind }) => kind === "vulnerability")
      .map((finding) => ({ ...finding, purl }));
    const text = formatGitLab({ ...reportFixture, findings }, "container_scanning", options);
    return JSON.parse(text).vulnerabilities.map(({ id }: { id: string }) => id);
  };
  assert.deepEqual(idsOf("pkg:npm/a@1"), idsOf("pkg:npm/a@1"));
  assert.notDeepEqual(idsOf("pkg:npm/a@1"), idsOf("pkg:npm/a@2"));
});
