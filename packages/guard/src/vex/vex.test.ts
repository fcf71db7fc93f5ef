import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { Finding } from "../model.ts";
import { builtInPolicy } from "../policy/built-in.ts";
import { evaluate } from "../policy/evaluate.ts";
import { formatOpenVex } from "../report/openvex.ts";
import { reportFixture } from "../report/report.fixture.ts";
import { applyStatements, covers } from "./apply.ts";
import { readVex } from "./statements.ts";
import { parseWaivers } from "./waivers.ts";

const NOW = Date.UTC(2026, 5, 15);
const LAYER = asDigest(`sha256:${"cd".repeat(32)}`);
const lodash: Finding = reportFixture.findings.find(({ id }) => id === "CVE-2021-23337")!;

function waived(yaml: string, finding: Finding = lodash) {
  const waivers = parseWaivers(
    `waivers:\n  - {owner: ann, reason: not reached, expires: 2026-06-30, ${yaml}}`,
    "w.yaml",
  );
  const { findings, problems } = applyStatements([finding], { waivers, statements: [], nowMs: NOW });
  return { statement: findings[0]?.statement, outcome: evaluate(builtInPolicy, findings).outcome, problems };
}

const SCOPES: readonly (readonly [what: string, yaml: string, holds: boolean])[] = [
  ["the id", "ids: [CVE-2021-23337]", true],
  ["an alias", "ids: [GHSA-35jh-r3h4-6jhm]", true],
  ["another id", "ids: [CVE-2021-1]", false],
  ["a pattern of packages", 'packages: ["pkg:npm/lodash@*"]', true],
  ["another package", 'packages: ["pkg:npm/lodash.merge@*"]', false],
  ["the id in another package", 'ids: [CVE-2021-23337], packages: ["pkg:npm/other@*"]', false],
  ["the layer", `layers: ["${LAYER}"]`, true],
  ["another layer", `layers: ["sha256:${"00".repeat(32)}"]`, false],
];
for (const [what, yaml, holds] of SCOPES)
  test(`a waiver of ${what} ${holds ? "lets the finding pass" : "changes nothing"}`, () => {
    const { statement, outcome } = waived(yaml);
    assert.deepEqual([statement?.status, outcome], holds ? ["accepted", "pass"] : [undefined, "block"]);
  });

test("a finding that lies in one more layer than the waiver names is not waived", () => {
  const elsewhere = {
    ...lodash,
    locations: [...lodash.locations, { path: "x", layer: asDigest(`sha256:${"11".repeat(32)}`) }],
  };
  assert.equal(waived(`layers: ["${LAYER}"]`, elsewhere).statement, undefined);
});

test("a waiver says who answers for it, why and until when", () =>
  assert.deepEqual(waived("ids: [CVE-2021-23337]").statement, {
    kind: "waiver",
    status: "accepted",
    by: "ann",
    reason: "not reached",
    document: "w.yaml",
    expires: "2026-06-30",
  }));

test("a waiver holds on its last day, and after it is a problem that changes nothing", () => {
  const waivers = parseWaivers(
    "waivers:\n  - {owner: ann, reason: r, expires: 2026-06-15, ids: [CVE-2021-23337]}",
    "w.yaml",
  );
  const on = (nowMs: number) => applyStatements([lodash], { waivers, statements: [], nowMs });
  assert.equal(on(NOW).findings[0]?.statement?.status, "accepted");
  const late = on(Date.UTC(2026, 5, 16));
  assert.equal(late.findings[0]?.statement, undefined);
  assert.deepEqual(late.problems, [
    { path: "w.yaml", reason: "waiver-expired: the waiver of CVE-2021-23337 by ann ended on 2026-06-15" },
  ]);
});

const REFUSED: readonly (readonly [why: string, yaml: string, message: RegExp])[] = [
  ["without owner", "{reason: r, expires: 2026-01-01, ids: [a]}", /owner/],
  ["without expiry", "{owner: a, reason: r, ids: [a]}", /expires/],
  ["without scope", "{owner: a, reason: r, expires: 2026-01-01}", /needs a scope/],
  [
    "with a day that is none",
    "{owner: a, reason: r, expires: 2026-02-30, ids: [a]}",
    /line 2: "2026-02-30" is not a day/,
  ],
  ["with a layer that is none", "{owner: a, reason: r, expires: 2026-02-01, layers: [top]}", /"top" is not a digest/],
  [
    "with an unknown key",
    "{owner: a, reason: r, expires: 2026-02-01, ids: [a], forever: true}",
    /unknown key "forever"/,
  ],
];
for (const [why, yaml, message] of REFUSED)
  test(`refuses a waiver ${why}`, () =>
    assert.throws(() => parseWaivers(`waivers:\n  - ${yaml}`), { code: "waivers-invalid", message }));

const openVex = (statement: object) =>
  Buffer.from(
    JSON.stringify({
      "@context": "https://openvex.dev/ns/v0.2.0",
      author: "The lodash people",
      timestamp: "2026-01-01T00:00:00Z",
      statements: [statement],
    }),
  );
const cycloneDx = (vulnerability: object) =>
  Buffer.from(
    JSON.stringify({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      metadata: { authors: [{ name: "The lodash people" }] },
      components: [{ "bom-ref": "a-ref", purl: "pkg:npm/lodash@4.17.5" }],
      vulnerabilities: [vulnerability],
    }),
  );
const vulnerability = { name: "CVE-2021-23337" };
const products = [{ "@id": "pkg:npm/lodash@4.17.5" }];
const justification = "component_not_present";

const DOCUMENTS: readonly (readonly [what: string, bytes: Buffer, status: string | undefined, outcome: string])[] = [
  [
    "OpenVEX not affected",
    openVex({ vulnerability, products, status: "not_affected", justification }),
    "not-affected",
    "pass",
  ],
  ["OpenVEX fixed", openVex({ vulnerability, products, status: "fixed" }), "fixed", "pass"],
  ["OpenVEX affected", openVex({ vulnerability, products, status: "affected" }), "affected", "block"],
  [
    "OpenVEX under investigation",
    openVex({ vulnerability, products, status: "under_investigation" }),
    "under-investigation",
    "block",
  ],
  [
    "OpenVEX of all versions",
    openVex({ vulnerability, products: [{ "@id": "pkg:npm/lodash" }], status: "fixed" }),
    "fixed",
    "pass",
  ],
  [
    "OpenVEX of another version",
    openVex({ vulnerability, products: [{ "@id": "pkg:npm/lodash@4" }], status: "fixed" }),
    undefined,
    "block",
  ],
  [
    "OpenVEX of a subcomponent",
    openVex({ vulnerability, products: [{ "@id": "pkg:oci/app", subcomponents: products }], status: "fixed" }),
    "fixed",
    "pass",
  ],
  [
    "OpenVEX of another subcomponent",
    openVex({
      vulnerability,
      products: [{ "@id": "pkg:npm/lodash", subcomponents: [{ "@id": "pkg:npm/x" }] }],
      status: "fixed",
    }),
    undefined,
    "block",
  ],
  [
    "OpenVEX by an alias",
    openVex({ vulnerability: { name: "X-1", aliases: ["GHSA-35jh-r3h4-6jhm"] }, products, status: "fixed" }),
    "fixed",
    "pass",
  ],
  [
    "CycloneDX not affected by reference",
    cycloneDx({ id: "CVE-2021-23337", analysis: { state: "not_affected" }, affects: [{ ref: "a-ref" }] }),
    "not-affected",
    "pass",
  ],
  [
    "CycloneDX exploitable by BOM-Link",
    cycloneDx({
      id: "CVE-2021-23337",
      analysis: { state: "exploitable" },
      affects: [{ ref: "urn:cdx:x/1#pkg%3Anpm/lodash%404.17.5" }],
    }),
    "affected",
    "block",
  ],
  ["CycloneDX without analysis", cycloneDx({ id: "CVE-2021-23337", affects: [{ ref: "a-ref" }] }), undefined, "block"],
];
for (const [what, bytes, status, outcome] of DOCUMENTS)
  test(`${what}: ${outcome}`, () => {
    const { statements } = readVex(bytes, "vex.json");
    const { findings } = applyStatements([lodash], { waivers: [], statements, nowMs: NOW });
    const said = findings[0]?.statement;
    assert.deepEqual([said?.status, evaluate(builtInPolicy, findings).outcome], [status, outcome]);
    if (said !== undefined)
      assert.deepEqual([said.kind, said.by, said.document], ["vex", "The lodash people", "vex.json"]);
  });

test("what is not understood changes nothing and is a problem", () => {
  const reasons = (statement: object) => readVex(openVex(statement), "v").problems.map(({ reason }) => reason);
  assert.match(reasons({ vulnerability, products, status: "fine" })[0] ?? "", /unknown status "fine"/);
  assert.match(reasons({ vulnerability, products: [{ "@id": "x" }], status: "fixed" })[0] ?? "", /no product/);
  assert.match(reasons({ products, status: "fixed" })[0] ?? "", /names no vulnerability/);
  for (const bytes of ["", "{}", "[]", "{"])
    assert.throws(() => readVex(Buffer.from(bytes), "v"), { code: "vex-invalid" });
});

test("of several statements the latest counts, and one's own waiver before all", () => {
  const at = (timestamp: string, status: string) =>
    readVex(openVex({ vulnerability, products, status, timestamp }), timestamp).statements;
  const statements = [...at("2026-03-01T00:00:00Z", "affected"), ...at("2026-02-01T00:00:00Z", "fixed")];
  const waivers = parseWaivers("waivers:\n  - {owner: a, reason: r, expires: 2027-01-01, ids: [CVE-2021-23337]}");
  const say = (own: typeof waivers) =>
    applyStatements([lodash], { waivers: own, statements, nowMs: NOW }).findings[0]?.statement;
  assert.equal(say([])?.status, "affected");
  assert.equal(say(waivers)?.kind, "waiver");
});

test("a hundred thousand statements on one vulnerability are no hundred thousand squared", () => {
  const [one] = readVex(
    openVex({ vulnerability, products: [{ "@id": "pkg:npm/x" }], status: "fixed" }),
    "v",
  ).statements;
  const statements = Array.from({ length: 100_000 }, () => one!);
  const { findings } = applyStatements([lodash], { waivers: [], statements, nowMs: NOW });
  assert.equal(findings[0]?.statement, undefined);
});

test("nobody's statement makes malware harmless", () => {
  const { statements } = readVex(openVex({ vulnerability, products, status: "fixed" }), "v");
  const malware = { ...lodash, kind: "malware" } as const;
  const { findings } = applyStatements([malware], { waivers: [], statements, nowMs: NOW });
  assert.equal(findings[0]?.statement, undefined);
});

test("what we write as OpenVEX says the same when it is read", () => {
  const waivers = parseWaivers(
    `waivers:\n  - {owner: a, reason: r, expires: 2027-01-01, ids: [CVE-2021-23337], justification: ${justification}}`,
  );
  const { findings } = applyStatements(reportFixture.findings, { waivers, statements: [], nowMs: NOW });
  const text = formatOpenVex({ ...reportFixture, findings }, { timestampMs: NOW });
  const { statements, problems } = readVex(Buffer.from(text), "own.json");
  assert.deepEqual(problems, []);
  const again = applyStatements([lodash], { waivers: [], statements, nowMs: NOW }).findings[0]?.statement;
  assert.deepEqual([again?.status, again?.justification], ["not-affected", justification]);
});

const COVERS: readonly (readonly [product: string, purl: string, expected: boolean])[] = [
  ["pkg:deb/debian/openssl@1?arch=amd64", "pkg:deb/debian/openssl@1?arch=amd64&distro=x", true],
  ["pkg:deb/debian/openssl@1?arch=arm64", "pkg:deb/debian/openssl@1?arch=amd64", false],
  ["pkg:npm/@a/b@1", "pkg:npm/%40a/b@1", true],
  ["pkg:npm/@a/b", "pkg:npm/%40a/b@1", true],
  ["pkg:npm/b", "pkg:npm/%40a/b@1", false],
];
for (const [product, purl, expected] of COVERS)
  test(`${product} ${expected ? "speaks" : "does not speak"} of ${purl}`, () =>
    assert.equal(covers(product, purl), expected));
