import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ZipBounds } from "../zip.ts";
import { makeZip, type ZipEntrySpec } from "./zip.fixture.ts";
import { readZip } from "./zip.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-zip-"));
after(() => rmSync(folder, { recursive: true }));

const BOUNDS: ZipBounds = { maxEntries: 10, maxEntryBytes: 1000, maxTotalBytes: 1500 };

function read(zip: Buffer, wants: (name: string) => boolean = () => true) {
  const path = join(folder, "x.zip");
  writeFileSync(path, zip);
  return [...readZip(path, wants, BOUNDS)].map((item) =>
    item.kind === "entry" ? [item.name, item.bytes.toString()] : [item.name, item.reason.split(":")[0]],
  );
}

test("reads deflated and stored entries that are wanted, and passes over folders", () => {
  const zip = makeZip([
    { name: "a.json", body: "one" },
    { name: "d/", body: "" },
    { name: "d/b.json", body: "two", stored: true },
    { name: "empty.json", body: "" },
    { name: "c.txt", body: "three" },
  ]);
  assert.deepEqual(
    read(zip, (name) => name.endsWith(".json")),
    [
      ["a.json", "one"],
      ["d/b.json", "two"],
      ["empty.json", ""],
    ],
  );
  const path = join(folder, "x.zip");
  const [first] = readZip(path, () => true, BOUNDS);
  assert.equal(first?.kind === "entry" && new Date(first.modifiedMs).toISOString(), "2026-08-21T00:00:00.000Z");
});

const DAMAGED: readonly (readonly [what: string, spec: Omit<ZipEntrySpec, "name">, code: string])[] = [
  ["larger than the bound", { body: "x".repeat(1001) }, "too-large"],
  ["a bomb that claims to be small", { body: "x".repeat(100_000), claims: { bytes: 10 } }, "too-large"],
  ["a wrong checksum", { body: "x", claims: { crc: 1 } }, "damaged"],
  ["longer than it says", { body: "xyz", claims: { bytes: 2 } }, "too-large"],
  ["shorter than it says", { body: "xyz", claims: { bytes: 4 } }, "damaged"],
  ["encrypted", { body: "x", claims: { flags: 1 } }, "encrypted"],
  ["an unknown method", { body: "x", claims: { method: 12 } }, "unsupported"],
  ["no deflate stream", { body: "\xff\xff\xff", stored: true, claims: { method: 8 } }, "damaged"],
];

for (const [what, spec, code] of DAMAGED)
  test(`an entry that is ${what} is a problem, and the next is read`, () => {
    const zip = makeZip([
      { name: "bad", ...spec },
      { name: "good", body: "fine" },
    ]);
    assert.deepEqual(read(zip), [
      ["bad", code],
      ["good", "fine"],
    ]);
  });

const whole = makeZip([{ name: "a", body: "one" }]);
const many = makeZip(Array.from({ length: 11 }, (_, index) => ({ name: `${index}`, body: "" })));
const heavy = makeZip([1, 2].map((index) => ({ name: `${index}`, body: "x".repeat(900) })));
const REFUSED: readonly (readonly [what: string, zip: Buffer, code: string])[] = [
  ["empty", Buffer.alloc(0), "zip-damaged"],
  ["not a zip", Buffer.from("hello, this is no zip file at all"), "zip-damaged"],
  ["cut short", whole.subarray(30), "zip-damaged"],
  ["of too many entries", many, "zip-too-large"],
  ["too large in all", heavy, "zip-too-large"],
];

for (const [what, zip, code] of REFUSED)
  test(`a file that is ${what} is refused`, () => {
    assert.throws(() => read(zip), { code });
  });
