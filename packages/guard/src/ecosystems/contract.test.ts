import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCollector } from "../collector.ts";
import { mergeLayers } from "../image.ts";
import type { Inventory } from "../model.ts";
import { cases as apk } from "./apk/inventory.cases.ts";
import { cases as binaries } from "./binaries/inventory.cases.ts";
import { cases as cargo } from "./cargo/inventory.cases.ts";
import { cases as cocoapods } from "./cocoapods/inventory.cases.ts";
import { cases as composer } from "./composer/inventory.cases.ts";
import { cases as conan } from "./conan/inventory.cases.ts";
import { describePackage, type InventoryCase } from "./contract.cases.ts";
import { damage, seeded } from "./damage.cases.ts";
import { cases as deb } from "./deb/inventory.cases.ts";
import { cases as go } from "./go/inventory.cases.ts";
import { cases as hex } from "./hex/inventory.cases.ts";
import { ecosystems } from "./index.ts";
import { cases as maven } from "./maven/inventory.cases.ts";
import { cases as npm } from "./npm/inventory.cases.ts";
import { cases as nuget } from "./nuget/inventory.cases.ts";
import { cases as opkg } from "./opkg/inventory.cases.ts";
import { cases as pub } from "./pub/inventory.cases.ts";
import { cases as pypi } from "./pypi/inventory.cases.ts";
import { cases as rpm } from "./rpm/inventory.cases.ts";
import { cases as rubygems } from "./rubygems/inventory.cases.ts";
import { cases as swift } from "./swift/inventory.cases.ts";

const CASES: Readonly<Record<string, readonly InventoryCase[]>> = {
  npm,
  pypi,
  deb,
  go,
  cargo,
  nuget,
  rubygems,
  composer,
  pub,
  hex,
  swift,
  conan,
  cocoapods,
  apk,
  opkg,
  rpm,
  maven,
  binaries,
};
const MUTATIONS = 150;

/** Reads one file as a layer's reader does, in pieces of `pieceBytes`; pieces are overwritten after use, as buffers are. */
function inventoryOf(path: string, bytes: Buffer, pieceBytes: number, sizeBytes = bytes.length): Inventory {
  const collector = createCollector({ inventory: true, secrets: false });
  const file = collector.file(path, sizeBytes);
  let next = 0;
  for (let at = 0; file !== undefined && at < bytes.length; at += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    if (next < at + piece.length) {
      const from = Math.max(next, at);
      next = file.write(piece.subarray(from - at), from);
      assert.ok(next >= at + piece.length, "a reader never asks for what is past");
    }
    piece.fill(0xaa);
  }
  file?.end();
  return mergeLayers([collector.finish()]);
}

function check(test: InventoryCase, pieceBytes: number): void {
  const bytes = Buffer.from(test.content as string);
  const inventory = inventoryOf(test.path, bytes, pieceBytes);
  assert.deepEqual(inventory.packages.map(describePackage), test.packages);
  const reasons = inventory.problems.map(({ reason }) => reason);
  const expected = test.problems ?? [];
  assert.equal(reasons.length, expected.length, JSON.stringify(reasons));
  for (const [index, start] of expected.entries())
    assert.ok(reasons[index]?.startsWith(start), `${reasons[index]} starts with ${start}`);
  for (const { locations } of inventory.packages) assert.equal(locations[0]?.path, test.path);
}

for (const { id, extractors } of ecosystems) {
  describe(`ecosystem ${id}`, () => {
    const cases = CASES[id] ?? [];
    for (const test of cases) {
      it(test.name, () => check(test, Number.MAX_SAFE_INTEGER));
      it(`${test.name}, in pieces`, () => {
        for (const pieceBytes of [test.content.length > 10_000 ? 977 : 1, 512, 4096, 65_537]) check(test, pieceBytes);
      });
    }

    it("has a case for every extractor", () => {
      for (const extractor of extractors)
        assert.ok(
          cases.some(({ path }) => extractor.wants(path)) || extractor.id.endsWith("-owned"),
          `${extractor.id} has no case`,
        );
    });

    it("takes bodies that are cut short or damaged", () => {
      const random = seeded(id);
      for (const test of cases) {
        const bytes = Buffer.from(test.content as string);
        for (let round = 0; round < MUTATIONS; round++) {
          const damaged = damage(bytes, random);
          const inventory = inventoryOf(test.path, damaged, 1 + Math.floor(random() * damaged.length), bytes.length);
          for (const { purl } of inventory.packages) assert.match(purl, /^pkg:[a-z]+\/[\x21-\x7e]+$/);
        }
      }
    });

    it("refuses what is larger than its bound without reading it", () => {
      for (const extractor of extractors) {
        if (extractor.kind !== "whole") continue;
        const path = cases.find((test) => extractor.wants(test.path))?.path;
        if (path === undefined) continue;
        const { problems } = inventoryOf(path, Buffer.alloc(10), 10, extractor.maxBytes + 1);
        assert.match(problems[0]?.reason ?? "", /^too-large: /);
      }
    });
  });
}
