import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { importAdvisories } from "./import.ts";
import { type OpenedStore, readStore } from "./store.ts";
import { makeZip } from "./zip.fixture.ts";

const root = mkdtempSync(join(tmpdir(), "flotilla-import-"));
after(() => rmSync(root, { recursive: true }));
const NOW = Date.UTC(2026, 8, 1);
let folders = 0;

function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, body] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), body);
  }
  return folder;
}

function osv(id: string, more: Record<string, unknown> = {}, ecosystem = "npm", name = "a"): string {
  const ranges = [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.0.0" }] }];
  return JSON.stringify({
    id,
    modified: "2026-03-01T00:00:00Z",
    affected: [{ package: { ecosystem, name }, ranges }],
    ...more,
  });
}

function run(path: string, base?: OpenedStore) {
  const result = importAdvisories({ path, nowMs: NOW, ...(base ? { base } : {}) });
  const store = readStore(result.bytes, "x");
  const ids = (ecosystem: string, name: string) => store.lookup(ecosystem, name).map(({ id }) => id);
  return { result, store, ids };
}

const KEV = JSON.stringify({
  catalogVersion: "1",
  dateReleased: "2026-08-07T16:45:47.0648Z",
  vulnerabilities: [{ cveID: "CVE-2024-10001" }],
});

test("a bucket's layout, with the catalogue of exploited vulnerabilities beside it", () => {
  const { result, store, ids } = run(
    folderOf({
      "npm/all.zip": makeZip([
        { name: "GHSA-1.json", body: osv("GHSA-1", { aliases: ["CVE-2024-10001"] }) },
        { name: "GHSA-2.json", body: osv("GHSA-2") },
      ]),
      "PyPI/all.zip": makeZip([{ name: "PYSEC-1.json", body: osv("PYSEC-1", {}, "PyPI", "B.b") }]),
      "kev.json": KEV,
    }),
  );
  assert.deepEqual([result.documents, result.advisories, result.problems], [4, 3, []]);
  assert.deepEqual([ids("npm", "a"), ids("PyPI", "b-b")], [["GHSA-1", "GHSA-2"], ["PYSEC-1"]]);
  assert.deepEqual(
    store.lookup("npm", "a").map(({ exploited }) => exploited),
    [true, undefined],
  );
  assert.deepEqual(
    store.sources.map(({ name, asOf, count, licence }) => [name, asOf, count, licence]),
    [
      ["CISA known exploited vulnerabilities", "2026-08-07T16:45:47.064Z", 1, "CC0-1.0"],
      ["GitHub advisory database", "2026-03-01T00:00:00.000Z", 2, "CC-BY-4.0"],
      ["PyPA advisory database", "2026-03-01T00:00:00.000Z", 1, "CC-BY-4.0"],
    ],
  );
});

test("a folder of documents at any depth; links and dot files are passed over", () => {
  const folder = folderOf({ "x/y/z/A.json": osv("A-1"), ".git/B.json": osv("B-1"), "notes.txt": "no" });
  symlinkSync(folderOf({ "C.json": osv("C-1") }), join(folder, "link"));
  assert.deepEqual(run(folder).ids("npm", "a"), ["A-1"]);
});

test("one zip, one document", () => {
  const folder = folderOf({ "a.zip": makeZip([{ name: "A.json", body: osv("A-1") }]), "b.json": osv("B-1") });
  assert.deepEqual(run(join(folder, "a.zip")).ids("npm", "a"), ["A-1"]);
  assert.deepEqual(run(join(folder, "b.json")).ids("npm", "a"), ["B-1"]);
});

test("damage is a problem with its place, and the rest is imported", () => {
  const { result, ids } = run(
    folderOf({
      "a.json": "{ not json",
      "b.json": JSON.stringify({ hello: 1 }),
      "c.zip": "no zip",
      "d.zip": makeZip([{ name: "x.json", body: "{}", claims: { crc: 1 } }]),
      "deep.json": "[".repeat(100_000),
      "e.json": osv("E-1"),
    }),
  );
  assert.deepEqual(ids("npm", "a"), ["E-1"]);
  assert.deepEqual(
    result.problems.map(({ path, reason }) => [
      path
        .split("/")
        .slice(path.includes("zip/") ? -2 : -1)
        .join("/"),
      reason.split(":")[0],
    ]),
    [
      ["a.json", "not-json"],
      ["b.json", "not-osv"],
      ["c.zip", "zip-damaged"],
      ["d.zip/x.json", "damaged"],
      ["deep.json", "not-json"],
    ],
  );
});

test("what is already known stays, is replaced by the same id, and goes when withdrawn", () => {
  const first = run(
    folderOf({ "a.json": osv("A-1"), "b.json": osv("B-1"), "c.json": osv("C-1"), "kev.json": KEV }),
  ).store;
  const { ids, store } = run(
    folderOf({
      "a.json": osv("A-1", { aliases: ["CVE-2024-10001"], modified: "2026-04-01T00:00:00Z" }, "npm", "moved"),
      "b.json": osv("B-1", { withdrawn: "2026-04-01T00:00:00Z" }),
      "d.json": osv("D-1"),
    }),
    first,
  );
  assert.deepEqual([ids("npm", "a"), ids("npm", "moved")], [["C-1", "D-1"], ["A-1"]]);
  assert.equal(store.lookup("npm", "moved")[0]?.exploited, true);
  assert.deepEqual(store.sources.find(({ name }) => name === "A")?.asOf, "2026-04-01T00:00:00.000Z");
});

test("a source that rates nothing borrows the same CVE's rating, for as long as that is known", () => {
  const rated = osv(
    "BIT-1",
    {
      aliases: ["CVE-2024-10001"],
      severity: [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N" }],
    },
    "Bitnami",
    "go",
  );
  const unrated = osv("GO-1", { aliases: ["CVE-2024-10001"] }, "Go", "stdlib");
  const { store } = run(folderOf({ "a.json": rated, "b.json": unrated }));
  const go = (from: OpenedStore) => from.lookup("Go", "stdlib").map(({ severity, cvss }) => [severity, cvss]);
  assert.deepEqual(go(store), [["high", 7.5]]);
  const withdrawn = folderOf({ "a.json": osv("BIT-1", { withdrawn: "2026-01-01T00:00:00Z" }) });
  assert.deepEqual(go(run(withdrawn, store).store), [["unknown", undefined]]);
});

test("dates that cannot be are not believed: the file's own date stands in", () => {
  const body = (id: string, modified: string) => ({ name: `${id}.json`, body: osv(id, { modified }) });
  const zip = makeZip([body("GO-1", "0001-01-01T00:00:00Z"), body("GO-2", "2999-01-01T00:00:00Z")]);
  const { store } = run(join(folderOf({ "all.zip": zip }), "all.zip"));
  assert.equal(store.sources[0]?.asOf, "2026-08-21T00:00:00.000Z");
});

test("nothing at the place, or nothing readable in it, is a refusal", () => {
  assert.throws(() => run(join(root, "nowhere")), { code: "import-missing" });
  assert.throws(() => run(folderOf({ "a.json": "{" })), { code: "import-empty", message: /a\.json: not-json/ });
});
