import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { importAdvisories } from "./import.ts";
import { type OpenedStore, readStore } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "flotilla-catalogues-"));
after(() => rmSync(root, { recursive: true }));
let files = 0;

function read(document: unknown, base?: OpenedStore) {
  const path = join(root, `${files++}.json`);
  writeFileSync(path, JSON.stringify(document));
  const result = importAdvisories({ path, nowMs: Date.UTC(2026, 8, 1), ...(base ? { base } : {}) });
  const store = readStore(result.bytes, "x");
  const said = (ecosystem: string, name: string) =>
    store.lookup(ecosystem, name).map(({ id, severity, ranges }) => [id, severity, ranges.map(({ fixed }) => fixed)]);
  return { store, said, problems: result.problems.map(({ reason }) => reason) };
}

const TRACKER = {
  openssl: {
    "CVE-2023-5678": {
      description: "x",
      scope: "remote",
      releases: {
        bookworm: {
          status: "resolved",
          repositories: { bookworm: "3.0.11-1~deb12u2" },
          fixed_version: "3.0.13-1~deb12u1",
          urgency: "low",
        },
        bullseye: { status: "open", repositories: { bullseye: "1.1.1w-0+deb11u1" }, urgency: "unimportant" },
        trixie: { status: "resolved", fixed_version: "0", urgency: "unimportant" },
        buster: { status: "undetermined", urgency: "not yet assigned" },
        sid: { status: "resolved", fixed_version: "3.1.4-2", urgency: "low" },
      },
    },
    "TEMP-0000000-ABCDEF": { releases: { bookworm: { status: "open", urgency: "high" } } },
    "CVE-2024-1": { releases: {} },
    "CVE-2024-10001": {
      releases: { bookworm: { status: "resolved", fixed_version: "not a version", urgency: "high" } },
    },
  },
  glibc: { "CVE-2023-5678": { releases: { bookworm: { status: "open", urgency: "not yet assigned" } } } },
};

test("the Debian security tracker: open, fixed, never affected, not determined", () => {
  const { store, said, problems } = read(TRACKER);
  assert.deepEqual(said("Debian:12", "openssl"), [["DEBIAN-CVE-2023-5678", "low", ["3.0.13-1~deb12u1"]]]);
  assert.deepEqual(said("Debian:11", "openssl"), [["DEBIAN-CVE-2023-5678", "low", [undefined]]]);
  assert.deepEqual(said("Debian:12", "glibc"), [["DEBIAN-CVE-2023-5678", "unknown", [undefined]]]);
  assert.deepEqual([said("Debian:13", "openssl"), said("Debian:10", "openssl")], [[], []]);
  assert.deepEqual(store.lookup("Debian:12", "glibc")[0]?.aliases, ["CVE-2023-5678"]);
  assert.match(problems[0] ?? "", /^undetermined: of 1 releases/);
  assert.match(problems[1] ?? "", /^malformed: 2 entries/);
});

const SECDB = {
  apkurl: "{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk",
  archs: ["x86_64"],
  reponame: "main",
  urlprefix: "https://mirror.example/alpine",
  distroversion: "v3.20",
  packages: [
    {
      pkg: {
        name: "openssl",
        secfixes: {
          "3.3.1-r1": ["CVE-2024-5535", "CVE-2024-4741 (+ regression fix)", "XSA-1"],
          "3.3.0-r3": ["CVE-2024-4741"],
          "0": ["CVE-2022-1292"],
          nonsense: ["CVE-2024-10001"],
        },
      },
    },
    { pkg: { name: "nothing", secfixes: null } },
    { pkg: {} },
  ],
};

test("Alpine's security database: fixes by version, what never affected is left out", () => {
  const { store, said, problems } = read(SECDB);
  assert.deepEqual(said("Alpine:v3.20", "openssl"), [
    ["ALPINE-v3.20-main-CVE-2024-4741", "unknown", ["3.3.1-r1", "3.3.0-r3"]],
    ["ALPINE-v3.20-main-CVE-2024-5535", "unknown", ["3.3.1-r1"]],
  ]);
  assert.deepEqual(problems, ["malformed: 2 entries without the fields they should have"]);
  assert.deepEqual(
    store.sources.map(({ name, count }) => [name, count]),
    [["Alpine security database", 2]],
  );
});

test("a newer document of the same repository replaces what the older said, and no other's", () => {
  const community = { ...SECDB, reponame: "community" };
  const first = read(community, read(SECDB).store).store;
  const newer = { ...SECDB, packages: [{ pkg: { name: "openssl", secfixes: { "3.3.2-r0": ["CVE-2024-6119"] } } }] };
  assert.deepEqual(
    read(newer, first)
      .said("Alpine:v3.20", "openssl")
      .map(([id]) => id),
    ["ALPINE-v3.20-community-CVE-2024-4741", "ALPINE-v3.20-community-CVE-2024-5535", "ALPINE-v3.20-main-CVE-2024-6119"],
  );
});

for (const [urlprefix, reponame, ecosystem] of [
  ["https://packages.wolfi.dev", "os", "Wolfi"],
  ["https://packages.cgr.dev", "chainguard", "Chainguard"],
] as const)
  test(`${ecosystem}'s security database names no release`, () => {
    const { distroversion: _, ...rest } = SECDB;
    const { said } = read({ ...rest, urlprefix, reponame });
    assert.equal(said(ecosystem, "openssl").length, 2);
  });

test("a database of no stream that we know is said to be so", () => {
  assert.throws(() => read({ ...SECDB, distroversion: "edge" }), /unknown-stream/);
});

test("advisories of databases that forbid to pass them on are refused", () => {
  const affected = [
    { package: { ecosystem: "npm", name: "a" }, ranges: [{ type: "SEMVER", events: [{ introduced: "0" }] }] },
  ];
  assert.throws(() => read({ id: "SNYK-JS-A-1", modified: "2026-01-01T00:00:00Z", affected }), /refused: /);
});
