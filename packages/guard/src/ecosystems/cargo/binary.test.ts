import assert from "node:assert/strict";
import { test } from "node:test";
import { elfWith } from "./binary.cases.ts";
import { binaryExtractor } from "./binary.ts";

test("a program of nothing but heads of streams is given up", () => {
  assert.ok(binaryExtractor.kind === "stream");
  const bytes = elfWith(Buffer.from("789c4d00".repeat(30_000), "hex"));
  const reader = binaryExtractor.open("app", bytes.length)!;
  reader.write(bytes, 0);
  assert.match(reader.end().problems[0] ?? "", /^too-many-streams: /);
});

test("what is no ELF program is left after its first bytes", () => {
  assert.ok(binaryExtractor.kind === "stream");
  const reader = binaryExtractor.open("app", 1_000_000)!;
  assert.equal(reader.write(Buffer.alloc(100, 0x20), 0), Number.MAX_SAFE_INTEGER);
  assert.deepEqual(reader.end(), { packages: [], problems: [] });
});
