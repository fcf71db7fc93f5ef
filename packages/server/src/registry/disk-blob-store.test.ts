import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import type { BlobStore } from "./blob-store.ts";
import { createDiskBlobStore } from "./disk-blob-store.ts";
import { temporaryFolder } from "./testing.ts";

const content = Buffer.from("0123456789");
const digest = sha256(content);
const ID = "00000000-0000-4000-8000-000000000000";

async function read(store: BlobStore, range?: { start: number; end: number }): Promise<string> {
  return Buffer.concat(await Array.fromAsync(store.read(digest, range))).toString();
}

test("an upload becomes a blob when it is what it should be", async () => {
  await using folder = await temporaryFolder();
  const store = createDiskBlobStore(folder.path);
  await store.startUpload(ID);
  {
    await using upload = await store.openUpload(ID);
    await upload.append(content.subarray(0, 4));
    await assert.rejects(store.openUpload(ID), { code: "upload-busy" });
    await assert.rejects(store.commitUpload(ID, digest), { code: "upload-busy" });
  }
  await assert.rejects(store.commitUpload(ID, digest), { code: "digest-mismatch" });
  {
    await using upload = await store.openUpload(ID);
    assert.equal(upload.sizeBytes, 4);
    await upload.append(content.subarray(4));
  }
  assert.equal(await store.commitUpload(ID, digest), 10);
  assert.equal(await read(store), "0123456789");
  assert.equal(await read(store, { start: 2, end: 5 }), "234");
  assert.equal(await read(store, { start: 2, end: 2 }), "");
  assert.deepEqual(await readdir(join(folder.path, "uploads")), []);
});

test("another process's upload is hashed from the disk", async () => {
  await using folder = await temporaryFolder();
  const first = createDiskBlobStore(folder.path);
  await first.startUpload(ID);
  {
    await using upload = await first.openUpload(ID);
    await upload.append(content.subarray(0, 4));
  }
  const second = createDiskBlobStore(folder.path);
  {
    await using upload = await second.openUpload(ID);
    await upload.append(content.subarray(4));
  }
  assert.equal(await second.commitUpload(ID, digest), 10);
});

test("blobs are listed and removed", async () => {
  await using folder = await temporaryFolder();
  const store = createDiskBlobStore(folder.path);
  await store.put(digest, content);
  assert.deepEqual(await Array.fromAsync(store.list()), [digest]);
  assert.equal(await store.remove(digest), 10);
  assert.equal(await store.remove(digest), 0);
  assert.deepEqual(await Array.fromAsync(store.list()), []);
});
