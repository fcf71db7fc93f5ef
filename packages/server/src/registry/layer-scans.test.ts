import assert from "node:assert/strict";
import { test } from "node:test";
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
  layers.feed("u", 0, bytes.subarray(0, 4));
  layers.finish("u", blob, bytes.length);
  assert.deepEqual((await layers.scanOf(blob)).problems, []);
});

test("an upload that is far ahead of the guard is scanned from the disk", async () => {
  await using server = await startTestServer();
  await using folder = await temporaryFolder();
  const blobs = createDiskBlobStore(folder.path);
  const bytes = Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(20_000_000)]);
  const blob = sha256(bytes);
  await blobs.put(blob, bytes);
  let isAborted = false;
  const never = new Promise<never>(() => {});
  const abort = () => {
    isAborted = true;
  };
  const scanner = { write: () => never, end: async () => scanWith("tar-damaged: half"), abort };
  const pool = { scanner: () => scanner, scanFile: async () => scanWith() } as unknown as ScanPool;
  const layers = createLayerScans({ ...server.context, metrics: createMetrics() }, blobs, pool);
  for (let at = 0; at < bytes.length; at += 1_000_000) layers.feed("u", at, bytes.subarray(at, at + 1_000_000));
  layers.finish("u", blob, bytes.length);
  assert.equal(isAborted, true);
  assert.deepEqual((await layers.scanOf(blob)).problems, []);
});
