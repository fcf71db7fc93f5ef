import assert from "node:assert/strict";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BufferPool } from "./buffer-pool.ts";
import { temporaryFolder } from "./testing.ts";
import { WriteBehind } from "./write-behind.ts";

const SIZES = [0, 1, 100, 64 * 1024, 512 * 1024, 512 * 1024 + 1, 3_000_000];

test("bytes stand in the file and were seen in their order, whatever their pieces", async () => {
  await using folder = await temporaryFolder();
  const pool = new BufferPool();
  for (const size of SIZES) {
    const path = join(folder.path, String(size));
    await using file = await open(path, "wx");
    const seen: Buffer[] = [];
    const written = new WriteBehind(file, pool, (piece) => seen.push(Buffer.from(piece)));
    const chunks = Array.from({ length: 5 }, (_, index) => Buffer.alloc(size, index + 1));
    for (const chunk of chunks) await written.append(chunk);
    await written.flush();
    const wanted = Buffer.concat(chunks);
    assert.ok(wanted.equals(await readFile(path)), `${size}`);
    assert.ok(wanted.equals(Buffer.concat(seen)), `${size}`);
  }
});

test("what comes slowly is written as it comes", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "slow");
  await using file = await open(path, "wx");
  const written = new WriteBehind(file, new BufferPool(), () => {});
  await written.append(Buffer.from("one"));
  while ((await readFile(path, "utf8")) !== "one") await new Promise((resolve) => setImmediate(resolve));
});

test("a disk that fails is told by the flush and by the next append, and nothing is written after it", async () => {
  const pieces: number[] = [];
  const file = {
    write: async (bytes: Uint8Array) => {
      pieces.push(bytes.length);
      throw new Error("disk full");
    },
  } as unknown as FileHandle;
  const written = new WriteBehind(file, new BufferPool(), () => {});
  await written.append(Buffer.alloc(10));
  await assert.rejects(written.flush(), /disk full/);
  await assert.rejects(async () => written.append(Buffer.alloc(10)), /disk full/);
  await assert.rejects(async () => written.append(Buffer.alloc(2_000_000)), /disk full/);
  await assert.rejects(written.flush(), /disk full/);
  assert.deepEqual(pieces, [10]);
});
