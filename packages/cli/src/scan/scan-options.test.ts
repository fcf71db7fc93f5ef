import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const home = mkdtempSync(join(tmpdir(), "flotilla-cli-"));
after(() => rmSync(home, { recursive: true }));
const main = join(import.meta.dirname, "..", "main.ts");
const temporary = join(home, "tmp");
mkdirSync(temporary);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function flotilla(...args: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: temporary, SOURCE_DATE_EPOCH: "1767225600" };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env, cwd: home }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

function write(path: string, body: unknown): string {
  const full = join(home, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, typeof body === "string" ? body : JSON.stringify(body));
  return full;
}

function lockfile(folder: string, packages: Readonly<Record<string, string>>): string {
  const entries = Object.entries(packages).map(([name, version]) => [`node_modules/${name}`, { version }]);
  write(`${folder}/package-lock.json`, { lockfileVersion: 3, packages: { "": {}, ...Object.fromEntries(entries) } });
  return join(home, folder);
}

const advisory = (id: string, name: string) => ({
  id,
  modified: "2026-03-01T00:00:00Z",
  database_specific: { severity: "HIGH" },
  affected: [
    {
      package: { ecosystem: "npm", name },
      ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "2.0.0" }] }],
    },
  ],
});

const store = join(home, "a.store");
write("advisories/a.json", advisory("GHSA-test-0000-0001", "sandbar"));
write("advisories/b.json", advisory("GHSA-test-0000-0002", "shoal"));
const imported = await flotilla("db", "import", join(home, "advisories"), "--store", store);
assert.equal(imported.code, 0, imported.err);
const scan = (...args: readonly string[]) => flotilla("scan", ...args, "--store", store, "--offline");

test("several formats are written by one scan, and again the same byte for byte", async () => {
  const folder = lockfile("formats", { sandbar: "1.0.0" });
  const formats = ["json", "sarif", "cyclonedx", "spdx", "openvex", "html", "junit", "gitlab-dependency"];
  const write = (round: string) =>
    scan(folder, ...formats.flatMap((name) => ["--format", name, "-o", join(home, `${round}.${name}`)]));
  for (const round of ["one", "two"]) {
    const ran = await write(round);
    assert.deepEqual([ran.code, ran.out], [1, ""], ran.err);
  }
  for (const name of formats) {
    const text = readFileSync(join(home, `one.${name}`), "utf8");
    assert.ok(text.includes("GHSA-test-0000-0001") || name === "spdx", name);
    assert.equal(readFileSync(join(home, `two.${name}`), "utf8"), text, name);
  }
});

test("a waiver lets a finding pass until its last day, and says so", async () => {
  const folder = lockfile("waived", { sandbar: "1.0.0" });
  const waiver = (day: string) =>
    write(
      "waivers.yaml",
      `waivers:\n  - {ids: [GHSA-test-0000-0001], owner: ann, reason: not reached, expires: ${day}}\n`,
    );
  const ran = await scan(folder, "--waivers", waiver("2026-01-01"));
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /accepted until 2026-01-01, says ann in .*waivers\.yaml: not reached/);
  const late = await scan(folder, "--waivers", waiver("2025-12-31"));
  assert.equal(late.code, 1);
  assert.match(late.out, /waiver-expired/);
});

test("a VEX document is honoured and named; what it does not make clear is a problem", async () => {
  const folder = lockfile("vexed", { sandbar: "1.0.0" });
  const vex = write("vendor.json", {
    "@context": "https://openvex.dev/ns/v0.2.0",
    author: "Sandbar Ltd",
    statements: [
      {
        vulnerability: { name: "GHSA-test-0000-0001" },
        products: [{ "@id": "pkg:npm/sandbar" }],
        status: "not_affected",
        justification: "component_not_present",
      },
      { vulnerability: { name: "X-1" }, products: [], status: "fixed" },
    ],
  });
  const { code, out, err } = await scan(folder, "--vex", vex);
  assert.equal(code, 0, err);
  assert.match(out, /not affected, says Sandbar Ltd in .*vendor\.json: component not present/);
  assert.match(out, /vex-ignored: X-1: no product/);
});

test("since a report, only what is new blocks", async () => {
  const folder = lockfile("since", { sandbar: "1.0.0" });
  const before = join(home, "before.json");
  await scan(folder, "--format", "json", "-o", before);
  assert.equal((await scan(folder, "--new-since", before)).code, 0);
  lockfile("since", { sandbar: "1.0.0", shoal: "1.0.0" });
  const { code, out } = await scan(folder, "--new-since", before);
  assert.equal(code, 1);
  assert.match(out, /Verdict: BLOCKED\n {2}shoal 1\.0\.0[^\n]*\n$/);
});

test("since a git revision, only what the change adds blocks; nothing is left behind", async () => {
  const folder = lockfile("repository/app", { sandbar: "1.0.0" });
  const git = (...args: readonly string[]) =>
    execFileSync("git", [
      "-C",
      join(home, "repository"),
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@example.org",
      ...args,
    ]);
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "first");
  lockfile("repository/app", { sandbar: "1.0.0", shoal: "2.0.0" });
  const same = await scan(folder, "--new-since", "HEAD");
  assert.equal(same.code, 0, same.err);
  lockfile("repository/app", { sandbar: "1.0.0", shoal: "1.0.0" });
  const { code, out } = await scan(folder, "--new-since", "HEAD");
  assert.equal(code, 1);
  assert.match(out, /the baseline has it too/);
  assert.match(out, /Verdict: BLOCKED\n {2}shoal 1\.0\.0[^\n]*\n$/);
  assert.deepEqual(
    readdirSync(temporary).filter((name) => name.startsWith("flotilla-baseline-")),
    [],
  );
  assert.ok(existsSync(folder));
});

test("--explain tells each rule that was asked; beside JSON it stays out of standard output", async () => {
  const folder = lockfile("explained", { sandbar: "1.0.0" });
  const table = await scan(folder, "--explain");
  assert.match(
    table.out,
    /known-exploited: no, exploited true does not hold\n {2}fixable-critical-and-high: matches, so block\n/,
  );
  const json = await scan(folder, "--explain", "--format", "json");
  assert.equal(JSON.parse(json.out).verdict.outcome, "block");
  assert.match(json.err, /matches, so block/);
});
