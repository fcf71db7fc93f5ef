import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { createDecompressor, decompressed } from "./decompress.ts";

const plain = Buffer.from("the same bytes again and again ".repeat(100_000));

async function pushed(input: Buffer, size: number, maxBytes?: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const decompressor = createDecompressor((chunk) => chunks.push(chunk), maxBytes === undefined ? {} : { maxBytes });
  for (let at = 0; at < input.length; at += size) await decompressor.write(input.subarray(at, at + size));
  await decompressor.end();
  return Buffer.concat(chunks);
}

async function pulled(input: Buffer, size: number): Promise<Buffer> {
  async function* pieces() {
    for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size);
  }
  return Buffer.concat(await Array.fromAsync(decompressed(pieces())));
}

const FORMS: readonly [name: string, input: Buffer, expected: Buffer][] = [
  ["gzip", gzipSync(plain), plain],
  ["gzip of two members", Buffer.concat([gzipSync("one "), gzipSync("two")]), Buffer.from("one two")],
  ["zstd", zstdCompressSync(plain), plain],
  ["plain", plain, plain],
  ["short", Buffer.from("ab"), Buffer.from("ab")],
  ["empty", Buffer.alloc(0), Buffer.alloc(0)],
];
for (const [name, input, expected] of FORMS)
  test(`${name} is told by its magic number`, async () => {
    for (const size of [Math.max(1, Math.ceil(input.length / 50)), 3]) {
      if (input.length / size > 50_000) continue;
      assert.ok((await pushed(input, size)).equals(expected));
      assert.ok((await pulled(input, size)).equals(expected));
    }
  });

const DAMAGED: readonly [name: string, input: Buffer][] = [
  ["gzip that is cut", gzipSync(plain).subarray(0, 200)],
  ["gzip that is damaged", Buffer.concat([gzipSync(plain).subarray(0, 100), Buffer.alloc(1000, 7)])],
  ["zstd that is cut", zstdCompressSync(plain).subarray(0, 100)],
  ["zstd that is damaged", Buffer.concat([zstdCompressSync(plain).subarray(0, 20), Buffer.alloc(1000, 7)])],
];
// Bun ends a cut zstd stream without an error; what the agent reads is verified by digest before.
for (const [name, input] of DAMAGED)
  test(`${name} is refused`, { skip: name === "zstd that is cut" && "Bun" in globalThis }, async () => {
    await assert.rejects(pushed(input, 64), { code: "decompress-damaged" });
    await assert.rejects(pulled(input, 64), { code: "decompress-damaged" });
  });

test("a bound on what comes out holds", async () => {
  await assert.rejects(pushed(gzipSync(plain), 1000, 1_000_000), { code: "decompress-too-large" });
  assert.equal((await pushed(gzipSync(plain), 1000, plain.length)).length, plain.length);
});

test("what the sink throws comes back, and the source's own error too", async () => {
  const decompressor = createDecompressor(() => {
    throw new RangeError("sink");
  });
  const input = gzipSync(plain);
  await assert.rejects(async () => {
    for (let at = 0; at < input.length; at += 50) await decompressor.write(input.subarray(at, at + 50));
    await decompressor.end();
  }, /sink/);
  async function* broken() {
    yield gzipSync(plain).subarray(0, 100);
    throw new RangeError("source");
  }
  await assert.rejects(Array.fromAsync(decompressed(broken())), /source/);
});
