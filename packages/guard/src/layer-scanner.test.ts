import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { sha256 } from "@flotilla/oci/hash";
import { tarOf } from "@flotilla/oci/tar/write";
import { createLayerScanner, type LayerScanner } from "./layer-scanner.ts";
import { createScanPool } from "./pool.ts";

const manifest = JSON.stringify({ name: "left-pad", version: "1.3.0" });
const LAYER = tarOf([
  { kind: "directory", path: "app" },
  { kind: "file", path: "app/node_modules/left-pad/package.json", content: manifest },
  { kind: "file", path: "app/.wh.gone", content: "" },
  { kind: "file", path: "app/data/.wh..wh..opq", content: "" },
  {
    kind: "hardlink",
    path: "copy/node_modules/left-pad/package.json",
    linkName: "app/node_modules/left-pad/package.json",
  },
  { kind: "file", path: "etc/os-release", content: 'ID=debian\nVERSION_ID="12"\n' },
]);

async function feed(scanner: LayerScanner, bytes: Uint8Array, pieceBytes: number) {
  for (let at = 0; at < bytes.length; at += pieceBytes) await scanner.write(bytes.subarray(at, at + pieceBytes));
  return scanner.end();
}

describe("layer scanner", () => {
  const pool = createScanPool({ threads: 2 });
  after(() => pool.close());

  const forms: readonly [string, Buffer][] = [
    ["plain", LAYER],
    ["gzip", gzipSync(LAYER)],
    ["zstd", zstdCompressSync(LAYER)],
  ];
  for (const [name, bytes] of forms) {
    for (const pieceBytes of [1, 511, 1 << 20]) {
      for (const [where, create] of [
        ["here", () => createLayerScanner()],
        ["pool", () => pool.scanner()],
      ] as const) {
        it(`reads ${name} in pieces of ${pieceBytes}, ${where}`, async () => {
          const scan = await feed(create(), bytes, pieceBytes);
          assert.equal(scan.diffId, sha256(LAYER));
          assert.equal(scan.sizeBytes, LAYER.length);
          assert.deepEqual(scan.problems, []);
          assert.deepEqual(
            scan.packages.map(({ purl, locations }) => [purl, locations[0]?.path]),
            [
              ["pkg:npm/left-pad@1.3.0", "app/node_modules/left-pad/package.json"],
              ["pkg:npm/left-pad@1.3.0", "copy/node_modules/left-pad/package.json"],
            ],
          );
          assert.deepEqual(scan.removed, [
            { path: "app/gone", opaque: false },
            { path: "app/data", opaque: true },
          ]);
        });
      }
    }
  }

  it("keeps hashing past damage in the tar, and says where it stopped reading", async () => {
    const damaged = Buffer.from(LAYER);
    damaged[512 + 10] = 0x41;
    const scan = await feed(createLayerScanner(), damaged, 4096);
    assert.equal(scan.diffId, sha256(damaged));
    assert.match(scan.problems[0]?.reason ?? "", /^tar-damaged: /);
  });

  for (const where of ["here", "pool"] as const) {
    it(`makes damage in the compressed stream a problem, ${where}`, async () => {
      const cut = gzipSync(LAYER).subarray(0, 150);
      const scan = await feed(where === "here" ? createLayerScanner() : pool.scanner(), cut, 64);
      assert.match(scan.problems[0]?.reason ?? "", /^decompress-damaged: /);
    });
  }

  it("stops at an archive bomb", async () => {
    const zeros = gzipSync(Buffer.alloc(64 * 2 ** 20));
    const scanner = createLayerScanner();
    for (let member = 0; member < 12; member++) await scanner.write(zeros);
    const scan = await scanner.end();
    assert.match(scan.problems.at(-1)?.reason ?? "", /^archive-bomb: /);
    assert.ok(scan.sizeBytes < 600 * 2 ** 20);
  });

  it("takes the given diff id instead of hashing", async () => {
    const diffId = sha256("elsewhere");
    assert.equal((await feed(createLayerScanner({ diffId }), LAYER, 4096)).diffId, diffId);
  });

  it("takes a layer larger than what may be on the way to a thread, several at a time", async () => {
    const large = tarOf([
      { kind: "file", path: "big", content: Buffer.alloc(5 * 2 ** 20 + 77, "text\n") },
      { kind: "file", path: "node_modules/left-pad/package.json", content: manifest },
    ]);
    const scans = await Promise.all([1, 2, 3].map(() => feed(pool.scanner(), large, 300_001)));
    assert.deepEqual(scans, Array(3).fill(await feed(createLayerScanner(), large, 1 << 20)));
    assert.equal(scans[0]?.packages.length, 1);
  });

  it("passes on what a thread could not read, and goes on", async () => {
    const wanted = { inventory: true, secrets: true };
    await assert.rejects(pool.scanFile({ file: "/nowhere", offset: 0, sizeBytes: 1, wanted }), { code: "scan-failed" });
    assert.equal((await feed(pool.scanner(), LAYER, 4096)).packages.length, 2);
  });

  it("gives up when told, and refuses after the pool is closed", async () => {
    const other = createScanPool({ threads: 1 });
    const scanner = other.scanner();
    await scanner.write(LAYER);
    scanner.abort();
    await other.close();
    assert.throws(() => other.scanner(), { code: "scan-pool-closed" });
  });
});
