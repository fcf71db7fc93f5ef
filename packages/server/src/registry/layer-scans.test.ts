import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import { SCAN_FORMAT } from "@flotilla/guard/layer-scanner";
import type { LayerScan } from "@flotilla/guard/model";
import type { ScanPool } from "@flotilla/guard/pool";
import { sha256 } from "@flotilla/oci/hash";
import { createMetrics } from "../http/metrics.ts";
import { startTestServer } from "../testing.ts";
import { createDiskBlobStore } from "./disk-blob-store.ts";
import { createLayerScans } from "./layer-scans.ts";
import { temporaryFolder } from "./testing.ts";

const scanWith = (reason?: string): LayerScan => ({
  format: SCAN_FORMAT,
  diffId: sha256("the layer"),
  sizeBytes: 9,
  packages: [],
  secrets: [],
  problems: reason === undefined ? [] : [{ path: "", reason }],
  removed: [],
  facts: {},
});

test("a layer with rubbish after it, pushed first, does not spoil the scan of the whole one", async () => {
  await using server = await startTestServer();
  await using folder = await temporaryFolder();
  const blobs = createDiskBlobStore(folder.path);
  const [spoilt, whole] = [Buffer.from("the layer and rubbish"), Buffer.from("the layer, packed")];
  for (const bytes of [spoilt, whole]) await blobs.put(sha256(bytes), bytes);
  const scans = [scanWith("decompress-damaged: rubbish"), scanWith()];
  const pool = { scanFile: async () => scans.shift()! } as unknown as ScanPool;
  const context = { ...server.context, metrics: createMetrics() };
  const layers = createLayerScans(context, blobs, pool);
  const problemsOf = async (bytes: Buffer) => (await layers.scanOf(sha256(bytes))).problems.length;
  // Made first, then from what is kept.
  for (let round = 0; round < 2; round++) {
    assert.equal(await problemsOf(spoilt), 1);
    assert.equal(await problemsOf(whole), 0);
  }
  assert.equal(scans.length, 0);
});

test("a stream that misses bytes is not taken for the blob's scan", async () => {
  await using server = await startTestServer();
  await using folder = await temporaryFolder();
  const blobs = createDiskBlobStore(folder.path);
  const bytes = Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.from("a layer")]);
  const blob = sha256(bytes);
  await blobs.put(blob, bytes);
  const scanner = { write: async () => {}, end: async () => scanWith("tar-damaged: half"), abort: () => {} };
  const pool = { scanner: () => scanner, scanFile: async () => scanWith() } as unknown as ScanPool;
  const layers = createLayerScans({ ...server.context, metrics: createMetrics() }, blobs, pool);
  await layers.feed("u", 0, bytes.subarray(0, 4));
  layers.finish("u", blob, bytes.length);
  assert.deepEqual((await layers.scanOf(blob)).problems, []);
});

test("an upload waits for the guard, and no longer than a scanner that takes nothing may last", async () => {
  await using server = await startTestServer();
  await using folder = await temporaryFolder();
  const blobs = createDiskBlobStore(folder.path);
  const bytes = Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(9_000_000)]);
  const blob = sha256(bytes);
  await blobs.put(blob, bytes);
  const taken = Promise.withResolvers<void>();
  let isAborted = false;
  const abort = () => {
    isAborted = true;
  };
  const scanner = { write: () => taken.promise, end: async () => scanWith(), abort };
  const pool = { scanner: () => scanner, scanFile: async () => scanWith("from-disk: again") } as unknown as ScanPool;
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const layers = createLayerScans({ ...server.context, clock, metrics: createMetrics() }, blobs, pool);

  const feeding = layers.feed("waits", 0, bytes);
  let isFed = false;
  void feeding.then(() => {
    isFed = true;
  });
  await clock.advance(1000);
  assert.equal(isFed, false, "it waits while nothing is taken");
  taken.resolve();
  await feeding;
  layers.finish("waits", blob, bytes.length);
  assert.deepEqual((await layers.scanOf(blob)).problems, [], "the scan of the upload counts");

  scanner.write = () => new Promise<void>(() => {});
  const stalled = layers.feed("stalls", 0, bytes);
  await clock.advance(60_000);
  await stalled;
  assert.equal(isAborted, true, "it is given up");
});
