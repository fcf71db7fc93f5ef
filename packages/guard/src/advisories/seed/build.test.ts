import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openSeedStore, readStore } from "../store.ts";
import { buildSeed, MAX_SEED_BYTES } from "./build.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-seed-"));
after(() => rmSync(folder, { recursive: true }));
const NOW = Date.UTC(2026, 8, 1);

function write(id: string): void {
  const document = {
    id,
    modified: "2026-03-01T00:00:00Z",
    summary: "a sentence",
    details: "many sentences",
    affected: [{ package: { ecosystem: "Go", name: "m" }, ranges: [{ type: "SEMVER", events: [{ introduced: "0" }] }] }],
  };
  writeFileSync(join(folder, `${id}.json`), JSON.stringify(document));
}

test("a seed is built with its attributions, the same from the same input; sources without a licence are refused", () => {
  write("GO-2026-0001");
  const seed = buildSeed(folder, NOW);
  assert.deepEqual(buildSeed(folder, NOW).store, seed.store);
  assert.match(seed.attribution, /\| Go vulnerability database \| The Go Authors, .* \| CC-BY-4\.0 \| 2026-03-01 \| 1 \|/);
  const kept = JSON.stringify([...readStore(seed.store, "x").records()]);
  assert.match(kept, /GO-2026-0001/);
  assert.doesNotMatch(kept, /sentence/);
  write("STRANGE-1");
  assert.throws(() => buildSeed(folder, NOW), /no credit or licence is known for STRANGE/);
});

test("the seed that ships is within its bound, and every one of its sources is attributed", () => {
  assert.ok(readFileSync(join(import.meta.dirname, "seed.store")).length <= MAX_SEED_BYTES);
  const attribution = readFileSync(join(import.meta.dirname, "ATTRIBUTION.md"), "utf8");
  for (const { name, asOf, licence } of openSeedStore().sources) {
    const row = attribution.split("\n").find((line) => line.startsWith(`| ${name} |`));
    assert.ok(row?.includes(licence ?? "?") && row.includes(asOf.slice(0, 10)), name);
  }
});
