import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, Package } from "@flotilla/guard/model";
import { diffFindings } from "./findings.ts";
import { diffPackages } from "./packages.ts";

const npm = (name: string, version: string): Package => ({
  purl: `pkg:npm/${name}@${version}`,
  ecosystem: "npm",
  name,
  version,
  evidence: "installed",
  locations: [],
});

const PACKAGES: readonly (readonly [
  what: string,
  from: readonly Package[],
  to: readonly Package[],
  changes: string,
])[] = [
  ["the same", [npm("a", "1.0.0")], [npm("a", "1.0.0")], ""],
  ["upgraded, by the order of versions", [npm("a", "1.9.0")], [npm("a", "1.10.0")], "upgraded a 1.9.0 1.10.0"],
  ["downgraded", [npm("a", "1.10.0")], [npm("a", "1.9.0")], "downgraded a 1.10.0 1.9.0"],
  ["added and removed", [npm("a", "1.0.0")], [npm("b", "1.0.0")], "removed a 1.0.0 -|added b - 1.0.0"],
  [
    "one of several versions",
    [npm("a", "1.0.0"), npm("a", "2.0.0")],
    [npm("a", "1.0.0"), npm("a", "2.1.0"), npm("a", "0.1.0")],
    "upgraded a 2.0.0 2.1.0|added a - 0.1.0",
  ],
  ["the same version on two platforms", [npm("a", "1.0.0"), npm("a", "1.0.0")], [npm("a", "1.0.0")], ""],
];
for (const [what, from, to, changes] of PACKAGES)
  test(`packages: ${what}`, () => {
    const found = diffPackages("web:1", from, to);
    const lines = found.map((one) => `${one.change} ${one.name} ${one.from ?? "-"} ${one.to ?? "-"}`);
    assert.equal(lines.join("|"), changes);
  });

const location = { path: "package.json" };
const flaw = (id: string, purl: string): Finding => ({
  kind: "vulnerability",
  id,
  aliases: [],
  severity: "high",
  purl,
  location,
  locations: [location],
  sources: [],
});
const secret = (fingerprint: string): Finding => ({
  ...flaw("aws-key", ""),
  kind: "secret",
  purl: undefined as never,
  fingerprint: fingerprint as never,
});

const FINDINGS: readonly (readonly [
  what: string,
  from: readonly Finding[],
  to: readonly Finding[],
  changes: string,
])[] = [
  ["the same in another version", [flaw("CVE-1", "pkg:npm/%40s/a@1")], [flaw("CVE-1", "pkg:npm/%40s/a@2?x=y")], ""],
  ["fixed", [flaw("CVE-1", "pkg:npm/a@1")], [], "fixed CVE-1"],
  ["new in another package", [flaw("CVE-1", "pkg:npm/a@1")], [flaw("CVE-1", "pkg:npm/b@1")], "new CVE-1|fixed CVE-1"],
  ["another secret of the same kind", [secret("x")], [secret("x"), secret("y")], "new aws-key"],
];
for (const [what, from, to, changes] of FINDINGS)
  test(`findings: ${what}`, () => {
    const found = diffFindings("web:1", from, to);
    assert.equal(found.map(({ change, id }) => `${change} ${id}`).join("|"), changes);
  });
