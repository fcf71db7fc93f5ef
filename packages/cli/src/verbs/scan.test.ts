import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { messageOf } from "@flotilla/base/errors";
import { Command, CommanderError } from "commander";
import { EXIT, exitCodeOf } from "../exit-codes.ts";
import { scanCommand } from "./scan.ts";

const home = mkdtempSync(join(tmpdir(), "flotilla-cli-"));
after(() => rmSync(home, { recursive: true }));
const main = join(import.meta.dirname, "..", "main.ts");

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function flotilla(...args: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env.PATH, HOME: home, SOURCE_DATE_EPOCH: "1767225600" };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env, cwd: home }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

/** What `flotilla scan` refuses, without starting a process for each. */
async function refusal(...args: readonly string[]): Promise<{ code: number; message: string }> {
  const scan = scanCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    await new Command("flotilla").addCommand(scan).parseAsync(["scan", ...args], { from: "user" });
  } catch (error) {
    const code = error instanceof CommanderError ? EXIT.usage : exitCodeOf(error);
    return { code, message: messageOf(error) };
  }
  throw new Error("it was not refused");
}

function write(path: string, body: unknown): string {
  const full = join(home, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, typeof body === "string" ? body : JSON.stringify(body));
  return full;
}

function lockfile(folder: string, version: string): string {
  write(`${folder}/package-lock.json`, {
    lockfileVersion: 3,
    packages: { "": {}, "node_modules/sandbar": { version } },
  });
  return join(home, folder);
}

const advisory = {
  id: "GHSA-test-0000-0001",
  aliases: ["CVE-2024-10001"],
  modified: "2026-03-01T00:00:00Z",
  database_specific: { severity: "HIGH" },
  affected: [
    {
      package: { ecosystem: "npm", name: "sandbar" },
      ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "2.0.0" }] }],
    },
  ],
};

test("an imported advisory blocks a scan until the version that it names; every format tells the same", async () => {
  const document = write("advisories/a.json", advisory);
  const store = join(home, "a.store");
  const imported = await flotilla("db", "import", document, "--store", store);
  assert.equal(imported.code, 0, imported.err);
  assert.match(imported.out, /^1 advisories of 1 documents/);
  const listed = await flotilla("--json", "db", "list", "--store", store);
  assert.deepEqual(JSON.parse(listed.out).ecosystems, { npm: 1 });

  const bad = lockfile("bad", "1.0.0");
  const table = await flotilla("scan", bad, "--store", store);
  assert.equal(table.code, 1, table.err);
  assert.match(table.out, /sandbar 1\.0\.0 .*upgrade to 2\.0\.0 fixes 1/);
  assert.match(table.out, /Verdict: BLOCKED\n.*version 2\.0\.0 would pass/);

  const file = join(home, "report.json");
  const json = await flotilla("scan", `dir:${bad}`, "--store", store, "--format", "json", "-o", file, "--offline");
  assert.deepEqual([json.code, json.out], [1, ""]);
  const report = JSON.parse(readFileSync(file, "utf8"));
  assert.deepEqual(
    [report.findings[0].id, report.findings[0].fixed, report.verdict.outcome],
    ["CVE-2024-10001", "2.0.0", "block"],
  );

  const bom = await flotilla("scan", bad, "--store", store, "--format", "cyclonedx");
  assert.equal(JSON.parse(bom.out).metadata.timestamp, "2026-01-01T00:00:00.000Z");

  const good = await flotilla("scan", lockfile("good", "2.0.0"), "--store", store, "--offline");
  assert.deepEqual([good.code, good.err], [0, ""]);
  assert.match(good.out, /Verdict: pass/);
});

test("a policy of one's own decides, and scanners can be left out", async () => {
  const store = join(home, "b.store");
  await flotilla("db", "import", write("advisories/b.json", advisory), "--store", store);
  const folder = lockfile("policed", "1.0.0");
  const policy = write("policy.yaml", "rules:\n  - {name: accepted, ids: [CVE-2024-10001], action: ignore}\n");
  assert.equal((await flotilla("scan", folder, "--store", store, "--policy", policy)).code, 0);
  const bare = await flotilla("scan", folder, "--store", store, "--scanners", "inventory,secret", "--format", "json");
  const report = JSON.parse(bare.out);
  assert.deepEqual([bare.code, report.findings.length, report.packages.length], [0, 0, 1]);
  assert.match(report.notCovered[0], /scanner "vulnerability" is off/);
});

const USAGE: readonly (readonly [what: string, args: readonly string[], message: RegExp])[] = [
  ["no target", [], /missing required argument/],
  ["an unknown option", [".", "--fast"], /unknown option/],
  [
    "an unknown format",
    [".", "--format", "pdf"],
    /Allowed choices are table, json, sarif, cyclonedx, spdx, openvex, html, junit, gitlab-dependency/,
  ],
  ["two reports on standard output", [".", "--format", "json", "--format", "sarif"], /only one format/],
  ["a file without a format", [".", "-o", "a", "-o", "b"], /2 files \(-o\) for 1 formats/],
  ["missing waivers", [".", "--waivers", "none.yaml"], /cannot read the waivers none\.yaml/],
  ["a missing VEX document", [".", "--vex", "none.json"], /cannot read the VEX document none\.json/],
  ["a baseline that is none", [".", "--new-since", import.meta.filename], /scan\.test\.ts: /],
  ["a revision that is none", [".", "--new-since", "--output=x"], /neither a report nor a revision/],
  ["a baseline from nowhere", ["docker:x", "--new-since", "main"], /no folder of a git repository/],
  ["an unknown scanner", [".", "--scanners", "inventory,luck"], /no scanner "luck"; choose from/],
  ["a missing policy", [".", "--policy", "none.yaml"], /cannot read the policy none\.yaml/],
  ["a platform that is none", [".", "--platform", "toaster"], /not a platform/],
];
for (const [what, args, message] of USAGE)
  test(`${what} is wrong usage: exit code 2`, async () => {
    const refused = await refusal(...args);
    assert.equal(refused.code, 2);
    assert.match(refused.message, message);
  });

test("the process ends with 2 for wrong usage and 3 for what it could not scan, and prints no report", async () => {
  for (const [args, expected] of [
    [["scan"], 2],
    [["scan", "dir:nowhere"], 3],
  ] as const) {
    const { code, out, err } = await flotilla(...args);
    assert.deepEqual([code, out], [expected, ""], err);
  }
});

test("a policy with an unknown key is wrong usage and names the line", async () => {
  const policy = write("wrong.yaml", "rules:\n  - name: a\n    action: warn\n    colour: red\n");
  const { code, message } = await refusal(".", "--policy", policy);
  assert.equal(code, 2);
  assert.match(message, /line 4: unknown key "colour"/);
});

const UNREADABLE: readonly (readonly [what: string, target: string, message: RegExp])[] = [
  ["nothing there", "dir:nowhere", /nowhere/],
  ["a bare path that is not there", "./nowhere", /no such file or folder/],
  ["an archive that is none", "docker-archive:notes.txt", /notes\.txt/],
  ["an SBOM that is none", "sbom:notes.txt", /notes\.txt/],
];
for (const [what, target, message] of UNREADABLE)
  test(`${what} could not be scanned: exit code 3 and one sentence`, async () => {
    const refused = await refusal(target.replace("notes.txt", write("notes.txt", "hello")));
    assert.equal(refused.code, 3, refused.message);
    assert.match(refused.message, message);
    assert.equal(refused.message.split("\n").length, 1, refused.message);
  });

test("--offline opens no socket: a registry that would answer is not asked", async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const reference = `registry:127.0.0.1:${address.port}/a/b:1`;
  const offline = await flotilla("scan", reference, "--offline");
  assert.deepEqual([offline.code, asked], [3, 0]);
  assert.match(offline.err, /--offline/);
  assert.equal((await flotilla("scan", reference)).code, 3);
  assert.ok(asked > 0);
  server.close();
});

test("the first import without --store starts from what ships with the product", async () => {
  const ran = await flotilla("--json", "db", "import", write("advisories/c.json", advisory));
  assert.equal(ran.code, 0, ran.err);
  const { store, sources } = JSON.parse(ran.out);
  assert.equal(store, join(home, ".local/share/flotilla/advisories.store"));
  assert.ok(sources.length > 3);
  assert.equal((await flotilla("scan", lockfile("own", "1.0.0"))).code, 1);
  rmSync(join(home, ".local"), { recursive: true });
});

test("an import from nowhere, or of nothing readable, makes no store", async () => {
  const store = join(home, "kept.store");
  for (const location of ["nowhere", write("junk/a.json", "{"), "http://127.0.0.1:1/all.zip"]) {
    const { code, err } = await flotilla("db", "import", location, "--store", store);
    assert.equal(code, 3, err);
  }
  assert.throws(() => readFileSync(store), { code: "ENOENT" });
});

test("a damaged store is refused with the way out, and --empty takes it", async () => {
  const store = write("damaged.store", "no store at all");
  const document = write("advisories/d.json", advisory);
  const refused = await flotilla("db", "import", document, "--store", store);
  assert.equal(refused.code, 3);
  assert.match(refused.err, /damaged\.store is not an advisory store; make one with: flotilla db import --empty/);
  assert.equal((await flotilla("db", "import", document, "--store", store, "--empty")).code, 0);
});
