import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { followStore } from "./follow.ts";
import { readStore } from "./store.ts";
import { encodeStore, replaceFile } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-follow-"));
after(() => rmSync(folder, { recursive: true }));

const storeOf = (name: string) =>
  encodeStore({ sources: [{ name, asOf: "2026-01-01T00:00:00.000Z", count: 1 }], exploited: [], packages: [] });

test("the newest file counts; none, the fallback; a damaged one, what was open before", () => {
  const file = join(folder, "a.store");
  const refused: string[] = [];
  const fallback = readStore(storeOf("seed"), "seed");
  const current = followStore({ file, fallback, onRefused: ({ code }) => refused.push(code) });
  const name = () => current().sources[0]?.name;

  assert.equal(name(), "seed");
  replaceFile(file, storeOf("first"));
  assert.equal(name(), "first");
  assert.equal(current(), current(), "the same file is opened once");
  replaceFile(file, storeOf("second"));
  assert.equal(name(), "second");
  replaceFile(file, Buffer.from("no store"));
  assert.deepEqual([name(), name(), refused], ["second", "second", ["store-format"]]);
  replaceFile(file, storeOf("third"));
  assert.equal(name(), "third");
  rmSync(file);
  assert.equal(name(), "seed");
});
