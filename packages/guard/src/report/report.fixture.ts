import { asDigest } from "@flotilla/base/digest";
import { memoryStore } from "../advisories/store.ts";
import { judge } from "../judge.ts";
import type { Advisory, Inventory, Report } from "../model.ts";
import { builtInPolicy } from "../policy/built-in.ts";

const LAYER = asDigest(`sha256:${"cd".repeat(32)}`);

const lodash: readonly Advisory[] = [
  {
    id: "GHSA-35jh-r3h4-6jhm",
    aliases: ["CVE-2021-23337"],
    source: "GitHub advisory database",
    kind: "vulnerability",
    severity: "high",
    cvss: 7.2,
    ranges: [{ introduced: "0", fixed: "4.17.21" }],
    versions: [],
  },
  {
    id: "GHSA-4xc9-xhrj-v574",
    aliases: [],
    source: "GitHub advisory database",
    kind: "vulnerability",
    severity: "medium",
    exploited: true,
    ranges: [{ introduced: "0", fixed: "4.17.11" }],
    versions: [],
  },
];

const inventory: Inventory = {
  packages: [
    {
      purl: "pkg:npm/lodash@4.17.5",
      ecosystem: "npm",
      name: "lodash",
      version: "4.17.5",
      evidence: "installed",
      licence: "MIT",
      locations: [{ path: "app/node_modules/lodash/package.json", layer: LAYER }],
    },
    {
      purl: "pkg:npm/%40scope/x@1.0.0",
      ecosystem: "npm",
      name: "@scope/x",
      version: "1.0.0",
      evidence: "declared",
      development: true,
      licence: "(MIT OR Apache-2.0)",
      locations: [{ path: "package-lock.json", line: 7 }],
    },
    {
      purl: "pkg:npm/evil@1.0.0",
      ecosystem: "npm",
      name: "evil",
      version: "1.0.0",
      evidence: "installed",
      licence: "See LICENSE",
      locations: [{ path: "app/evil\u001b[2J/package.json" }],
    },
    {
      purl: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64",
      ecosystem: "deb",
      name: "libssl3",
      version: "3.0.11-1",
      source: { name: "openssl", version: "3.0.11-1" },
      distro: "Debian:12",
      evidence: "installed",
      locations: [{ path: "var/lib/dpkg/status", layer: LAYER }],
    },
  ],
  secrets: [
    {
      rule: "aws-access-key",
      title: "AWS access key",
      confidence: "proven",
      severity: "critical",
      sample: "AKIA… (20 characters)",
      fingerprint: asDigest(`sha256:${"ef".repeat(32)}`),
      location: { path: "app/.env", line: 3, layer: LAYER },
    },
  ],
  problems: [{ path: "big.bin", reason: "too-large: 130 MB, the bound is 64 MB" }],
};

const malware: Advisory = {
  id: "MAL-2024-1",
  aliases: [],
  source: "OpenSSF malicious packages",
  kind: "malware",
  severity: "unknown",
  ranges: [{ introduced: "0" }],
  versions: [],
};

/** A report with one of everything. */
export const reportFixture: Report = judge({
  target: "docker-archive:app.tar",
  inventory,
  store: memoryStore(
    [{ name: "GitHub advisory database", asOf: "2026-08-21T00:00:00.000Z", count: 1234, licence: "CC-BY-4.0" }],
    [
      { ecosystem: "npm", name: "lodash", advisories: lodash },
      { ecosystem: "npm", name: "evil", advisories: [malware] },
    ],
  ),
  policy: builtInPolicy,
  scanners: ["inventory", "vulnerability", "secret"],
});
