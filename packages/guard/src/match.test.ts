import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "./advisories/store.ts";
import { match } from "./match.ts";
import type { Advisory, EcosystemId, Finding, Inventory, Package } from "./model.ts";

const advisory = (id: string, more: Partial<Advisory> = {}): Advisory => ({
  id,
  aliases: [],
  source: id.split("-")[0] ?? "",
  kind: "vulnerability",
  severity: "unknown",
  ranges: [{ introduced: "0", fixed: "1.2.3" }],
  versions: [],
  ...more,
});

const installed = (ecosystem: EcosystemId, name: string, version: string, more: Partial<Package> = {}): Package => ({
  purl: `pkg:${ecosystem}/${name}@${version}`,
  ecosystem,
  name,
  version,
  evidence: "installed",
  locations: [{ path: `usr/lib/${name}` }],
  ...more,
});

const inventory = (...packages: Package[]): Inventory => ({ packages, secrets: [], problems: [] });

function check(
  item: Package,
  stream: readonly [ecosystem: string, name: string],
  advisories: readonly Advisory[],
): readonly Finding[] {
  const store = memoryStore([], [{ ecosystem: stream[0], name: stream[1], advisories }]);
  return match(inventory(item), store).findings;
}

const range = (introduced: string, fixed?: string, lastAffected?: string) => ({
  introduced,
  ...(fixed === undefined ? {} : { fixed }),
  ...(lastAffected === undefined ? {} : { lastAffected }),
});

const AFFECTED: readonly (readonly [
  ecosystem: EcosystemId,
  version: string,
  affected: Partial<Advisory>,
  fixed: string | undefined | false,
])[] = [
  ["npm", "1.2.2", {}, "1.2.3"],
  ["npm", "1.2.3-rc.1", {}, "1.2.3"],
  ["npm", "1.2.3", {}, false],
  ["npm", "0.0.0-0", {}, "1.2.3"],
  ["npm", "1.0.0", { ranges: [range("1.0.1", "1.2.3")] }, false],
  ["npm", "1.0.1", { ranges: [range("1.0.1", "1.2.3")] }, "1.2.3"],
  ["npm", "1.5.0", { ranges: [range("0", undefined, "1.5.0")] }, undefined],
  ["npm", "1.5.1", { ranges: [range("0", undefined, "1.5.0")] }, false],
  ["npm", "9.9.9", { ranges: [range("0")] }, undefined],
  ["npm", "2.0.1", { ranges: [range("0", "1.9.10"), range("2.0.0", "2.0.4")] }, "2.0.4"],
  ["npm", "1.9.1", { ranges: [range("0", "1.9.10"), range("2.0.0", "2.0.4")] }, "1.9.10"],
  ["npm", "1.0.0", { ranges: [range("0", "1.1.0"), range("1.1.0", "1.2.0")] }, "1.2.0"],
  ["npm", "5.0.0", { ranges: [], versions: ["5.0.0"] }, undefined],
  ["npm", "v5.0.0", { ranges: [], versions: ["5.0.0"] }, undefined],
  ["npm", "5.0.1", { ranges: [], versions: ["5.0.0"] }, false],
  ["pypi", "1.0.post1", { ranges: [range("0", "1.0.1")] }, "1.0.1"],
  ["pypi", "1.0", { ranges: [], versions: ["1.0.0"] }, undefined],
  ["pypi", "1!1.0", { ranges: [range("0", "2.0")] }, false],
  ["go", "v1.2.2+incompatible", {}, "1.2.3"],
  [
    "go",
    "v0.0.0-20200101000000-abcdefabcdef",
    { ranges: [range("0", "0.0.0-20210101000000-abcdefabcdef")] },
    "0.0.0-20210101000000-abcdefabcdef",
  ],
];

const STREAMS: Readonly<Partial<Record<EcosystemId, string>>> = {
  npm: "npm",
  pypi: "PyPI",
  go: "Go",
  deb: "Debian:12",
};

for (const [ecosystem, version, affected, fixed] of AFFECTED)
  test(`${ecosystem} ${version} under ${JSON.stringify(affected)}: ${fixed === false ? "not affected" : `fixed ${fixed}`}`, () => {
    const found = check(
      installed(ecosystem, "a", version),
      [STREAMS[ecosystem] ?? "", "a"],
      [advisory("X-1", affected)],
    );
    assert.deepEqual(
      found.map((finding) => finding.fixed),
      fixed === false ? [] : [fixed],
    );
  });

test("OS packages match their own distribution's stream, by source package and its version", () => {
  const libssl = installed("deb", "libssl3", "3.0.11-1~deb12u2+b1", {
    distro: "Debian:12",
    source: { name: "openssl", version: "3.0.11-1~deb12u2" },
  });
  const advisories = [advisory("CVE-2024-10001", { ranges: [range("0", "3.0.15-1~deb12u1")] })];
  assert.deepEqual(
    check(libssl, ["Debian:12", "openssl"], advisories).map(({ id, purl, fixed }) => [id, purl, fixed]),
    [["CVE-2024-10001", libssl.purl, "3.0.15-1~deb12u1"]],
  );
  assert.deepEqual(check(libssl, ["Debian:11", "openssl"], advisories), []);
  assert.deepEqual(check(libssl, ["Debian:12", "libssl3"], advisories), []);
  const { distro: _, ...homeless } = libssl;
  assert.deepEqual(check(homeless, ["Debian:12", "openssl"], advisories), []);
});

test("Ubuntu's long-term releases are found under OSV's name for them", () => {
  const item = installed("deb", "a", "1.0", { distro: "Ubuntu:22.04" });
  assert.equal(check(item, ["Ubuntu:22.04:LTS", "a"], [advisory("USN-1")]).length, 1);
});

test("a language's package is not matched by another ecosystem's advisories of the same name", () => {
  assert.deepEqual(check(installed("npm", "requests", "1.0.0"), ["PyPI", "requests"], [advisory("X-1")]), []);
});

test("PyPI names match in every spelling", () => {
  assert.equal(
    check(installed("pypi", "Zope.Interface", "1.0"), ["PyPI", "zope-interface"], [advisory("X-1")]).length,
    1,
  );
});

test("aliases are one finding, also through a third; CVE is preferred; the worst severity and all sources stay", () => {
  const found = check(
    installed("npm", "a", "1.0.0"),
    ["npm", "a"],
    [
      advisory("GHSA-1", { severity: "medium", cvss: 5 }),
      advisory("NSWG-9", { aliases: ["CVE-2024-10001"], severity: "critical", cvss: 9.1 }),
      advisory("OTHER-2", { severity: "low" }),
      advisory("RJS-5", { aliases: ["CVE-2024-10001", "GHSA-1"], exploited: true }),
    ],
  );
  assert.deepEqual(
    found.map(({ id, aliases, severity, cvss, exploited, sources }) => ({
      id,
      aliases,
      severity,
      cvss,
      exploited,
      sources,
    })),
    [
      {
        id: "CVE-2024-10001",
        aliases: ["GHSA-1", "NSWG-9", "RJS-5"],
        severity: "critical",
        cvss: 9.1,
        exploited: true,
        sources: ["GHSA", "NSWG", "RJS"],
      },
      { id: "OTHER-2", aliases: [], severity: "low", cvss: undefined, exploited: undefined, sources: ["OTHER"] },
    ],
  );
});

test("the fixed version of a merged finding is one that none of its advisories affects", () => {
  const [finding] = check(
    installed("npm", "a", "1.0.0"),
    ["npm", "a"],
    [
      advisory("GHSA-1", { aliases: ["CVE-2024-10001"], ranges: [range("0", "1.2.0")] }),
      advisory("NSWG-1", { aliases: ["CVE-2024-10001"], ranges: [range("0", "1.4.0")] }),
    ],
  );
  assert.equal(finding?.fixed, "1.4.0");
});

test("CVEs of one notice stay apart, and each meets its twin from another source", () => {
  const found = check(
    installed("deb", "a", "1.0", { distro: "Debian:12" }),
    ["Debian:12", "a"],
    [
      advisory("CVE-2024-10001", { via: "DSA-1-1" }),
      advisory("CVE-2024-10002", { via: "DSA-1-1" }),
      advisory("DEBIAN-CVE-2024-10002", { aliases: ["CVE-2024-10002"], severity: "high" }),
    ],
  );
  assert.deepEqual(
    found.map(({ id, aliases, severity }) => [id, aliases, severity]),
    [
      ["CVE-2024-10001", ["DSA-1-1"], "unknown"],
      ["CVE-2024-10002", ["DEBIAN-CVE-2024-10002", "DSA-1-1"], "high"],
    ],
  );
});

test("malware is critical, keeps its own id, and no version of it is called fixed", () => {
  const [finding] = check(
    installed("npm", "a", "1.0.0"),
    ["npm", "a"],
    [advisory("MAL-2024-1", { kind: "malware", aliases: ["GHSA-1"] })],
  );
  assert.deepEqual(
    [finding?.kind, finding?.id, finding?.severity, finding?.fixed],
    ["malware", "MAL-2024-1", "critical", undefined],
  );
});

test("two versions of a package are two subjects; one version in two places is one finding with both", () => {
  const store = memoryStore([], [{ ecosystem: "npm", name: "a", advisories: [advisory("X-1")] }]);
  const twice = installed("npm", "a", "1.0.0", { locations: [{ path: "one" }, { path: "two" }] });
  const { findings } = match(inventory(twice, installed("npm", "a", "1.1.0"), installed("npm", "a", "2.0.0")), store);
  assert.deepEqual(
    findings.map(({ purl, locations }) => [purl, locations.length]),
    [
      ["pkg:npm/a@1.0.0", 2],
      ["pkg:npm/a@1.1.0", 1],
    ],
  );
});

test("a version without a place in the order is a problem, not a verdict", () => {
  const store = memoryStore([], [{ ecosystem: "Go", name: "m", advisories: [advisory("GO-1")] }]);
  const { findings, problems } = match(inventory(installed("go", "m", "(devel)")), store);
  assert.deepEqual(findings, []);
  assert.match(problems[0]?.reason ?? "", /^unordered-version: pkg:go\/m@\(devel\) has version "\(devel\)"/);
});
