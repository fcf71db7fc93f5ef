import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Log, silentLog } from "@flotilla/base/log";
import { createFileStore } from "./file-store.ts";

describe("file store", () => {
  let folder = "";
  let path = "";
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields, message) => void warnings.push(message) };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-journal-"));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    await rm(folder, { recursive: true, force: true });
    path = join(folder, "state", "journal.json");
    warnings.length = 0;
  });

  it("loads nothing, then what was saved last", async () => {
    const store = createFileStore(path, log);
    assert.equal(await store.load(), undefined);
    await store.save({ a: 1 });
    await store.save({ a: 2, text: "ü", none: null });
    assert.deepEqual(await createFileStore(path, log).load(), { a: 2, text: "ü", none: null });
    assert.deepEqual(warnings, []);
  });

  for (const [damage, content] of [
    ["empty", ""],
    ["cut off", '{"checksum":"sha256:'],
    ["changed", undefined],
  ] as const) {
    it(`uses the generation before when the newest is ${damage}`, async () => {
      const store = createFileStore(path, log);
      await store.save({ generation: 1 });
      await store.save({ generation: 2 });
      await writeFile(path, content ?? (await readFile(path, "utf8")).replace('"generation":2', '"generation":3'));
      assert.deepEqual(await store.load(), { generation: 1 });
      assert.equal(warnings.length, 1);
      await store.save({ generation: 4 });
      assert.deepEqual(await store.load(), { generation: 4 });
    });
  }

  it("uses the generation before when a crash came between the two renames", async () => {
    const store = createFileStore(path, log);
    await store.save({ generation: 1 });
    await store.save({ generation: 2 });
    await rm(path);
    assert.deepEqual(await store.load(), { generation: 1 });
  });

  it("says so when both are damaged", async () => {
    const store = createFileStore(path, log);
    await store.save({ generation: 1 });
    await store.save({ generation: 2 });
    await writeFile(path, "x");
    await writeFile(`${path}.previous`, "y");
    await assert.rejects(store.load(), { code: "journal-damaged" });
  });
});
