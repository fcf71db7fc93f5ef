import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CodedError } from "@flotilla/base/errors";
import { keyOf, type StoredRecord } from "./format.ts";
import { openSeedStore, openStore, readStore } from "./store.ts";
import { encodeStore, replaceFile } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-store-"));
after(() => rmSync(folder, { recursive: true }));

const SOURCES = [
  { name: "One", asOf: "2026-01-01T00:00:00.000Z", count: 1, licence: "MIT" },
  { name: "Two", asOf: "2025-01-01T00:00:00.000Z", count: 1 },
];

const record = (id: string, more: Partial<StoredRecord> = {}): StoredRecord => ({
  id,
  aliases: [],
  upstream: [],
  source: "Two",
  kind: "vulnerability",
  severity: "high",
  ranges: [{ introduced: "0", fixed: "1.0.0" }],
  versions: [],
  ...more,
});

const full = record("GHSA-x", {
  aliases: ["CVE-2024-10001"],
  source: "One",
  kind: "malware",
  severity: "critical",
  cvss: 9.8,
  ranges: [{ introduced: "0", lastAffected: "2.0.0" }, { introduced: "3.0.0", fixed: "3.0.1" }, { introduced: "4" }],
  versions: ["5.0.0"],
});

function manyPackages() {
  const names = Array.from({ length: 3000 }, (_, index) => `package-${String(index).padStart(5, "0")}`);
  return names.map((name) => ({ key: keyOf("npm", name), records: [record(`ID-${name}`)] }));
}

function encode(packages = manyPackages(), exploited: readonly string[] = []) {
  return encodeStore({ sources: SOURCES, exploited, packages });
}

test("what was written is read, whole", () => {
  const store = readStore(encode([{ key: keyOf("PyPI", "ünï"), records: [full, record("B")] }]), "x");
  const { upstream: _, ...advisory } = full;
  const { upstream: __, ...second } = record("B");
  assert.deepEqual(store.lookup("PyPI", "ünï"), [advisory, second]);
  assert.deepEqual(store.sources, SOURCES);
  assert.deepEqual([store.covers("PyPI"), store.covers("npm"), store.covers("toString")], [true, false, false]);
});

test("every package is found in its block, and no other name finds one", () => {
  const packages = manyPackages();
  const store = readStore(encode(packages), "x");
  for (const { records } of packages) {
    const name = records[0]?.id.slice(3) ?? "";
    assert.equal(store.lookup("npm", name)[0]?.id, `ID-${name}`);
    assert.deepEqual(store.lookup("PyPI", name), []);
    assert.deepEqual(store.lookup("npm", `${name}x`), []);
  }
  assert.deepEqual(store.lookup("npm", "package-0000"), []);
  assert.deepEqual([...store.records()].length, 3000);
});

test("each CVE of a notice is an advisory that names the notice, and only the exploited one is marked", () => {
  const notice = record("DSA-1-1", { upstream: ["CVE-2024-10001", "CVE-2024-10002"] });
  const store = readStore(encode([{ key: keyOf("Debian:12", "a"), records: [notice] }], ["CVE-2024-10002"]), "x");
  assert.deepEqual(
    store.lookup("Debian:12", "a").map(({ id, via, exploited }) => [id, via, exploited]),
    [
      ["CVE-2024-10001", "DSA-1-1", undefined],
      ["CVE-2024-10002", "DSA-1-1", true],
    ],
  );
});

test("equal content gives equal bytes", () => assert.deepEqual(encode(), encode()));

const good = encode();
const headerEnd = 16 + good.readUInt32LE(12);
const flipped = (at: number) => {
  const copy = Buffer.from(good);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
};
const DAMAGED: readonly (readonly [what: string, bytes: Buffer, code: string])[] = [
  ["empty", Buffer.alloc(0), "store-format"],
  ["something else", Buffer.from("PK\x03\x04 not a store at all"), "store-format"],
  ["of another format", flipped(8), "store-format"],
  ["cut short in the header", good.subarray(0, 40), "store-damaged"],
  ["cut short at the end", good.subarray(0, good.length - 5), "store-damaged"],
  ["changed in the header", flipped(60), "store-damaged"],
  ["changed in a block", flipped(headerEnd + 200), "store-damaged"],
  ["changed in the filter", flipped(good.length - 3), "store-damaged"],
];

for (const [what, bytes, code] of DAMAGED)
  test(`a store that is ${what} is refused, not believed`, () => {
    assert.throws(() => [...readStore(bytes, "x").records()], { code });
  });

test("a missing file is a refusal that names it", () => {
  assert.throws(() => openStore(join(folder, "none.store")), { code: "store-missing", message: /none\.store/ });
});

test("replacing leaves one whole file and nothing beside it", () => {
  const path = join(folder, "inner", "a.store");
  replaceFile(path, good);
  replaceFile(path, encode([]));
  assert.deepEqual(openStore(path).sources, SOURCES);
  assert.deepEqual(readdirSync(join(folder, "inner")), ["a.store"]);
  writeFileSync(path, good);
  assert.deepEqual(readFileSync(path), good);
});

test("the seed opens without anything beside it and covers the ecosystems we read", () => {
  const seed = openSeedStore();
  for (const ecosystem of ["npm", "PyPI", "Go"]) assert.ok(seed.covers(ecosystem), ecosystem);
  for (const source of seed.sources) {
    assert.ok(source.licence, `${source.name} has a licence`);
    assert.ok(Date.parse(source.asOf) > Date.UTC(2000, 0), `${source.name} has an age`);
  }
  const django = seed.lookup("PyPI", "django").find(({ aliases }) => aliases.includes("CVE-2021-35042"));
  assert.equal(django?.severity, "critical");
  assert.ok(seed.lookup("Go", "stdlib").length > 100);
  assert.ok(seed.exploited.length > 1000);
});

test("whichever byte changes, the store is refused or unchanged in what it says", () => {
  const small = encode([{ key: keyOf("npm", "a"), records: [full] }], ["CVE-2024-10001"]);
  const said = (bytes: Buffer) => {
    const store = readStore(bytes, "x");
    return JSON.stringify([store.sources, store.exploited, store.ecosystems, [...store.records()]]);
  };
  const truth = said(small);
  let refused = 0;
  for (let at = 0; at < small.length; at++) {
    const copy = Buffer.from(small);
    copy[at] = (copy[at] ?? 0) ^ 0x55;
    try {
      assert.equal(said(copy), truth, `byte ${at}`);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      refused++;
    }
  }
  assert.ok(refused > small.length * 0.9, `${refused} of ${small.length}`);
});
