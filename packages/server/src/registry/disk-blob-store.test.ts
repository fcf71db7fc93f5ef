import assert from "node:assert/strict";
import { readdir, rename, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Digest } from "@flotilla/base/digest";
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

const NOW_S = 2_000_000_000;

/** A store with one blob that was stored `ageS` seconds before {@link NOW_S}. */
async function withBlob(path: string, ageS: number): Promise<BlobStore> {
  const store = createDiskBlobStore(path);
  await store.put(digest, content);
  await utimes(store.localPath(digest)!, NOW_S - ageS, NOW_S - ageS);
  return store;
}

const never = async () => false;
const always = async () => true;
const COLLECTED: readonly [
  what: string,
  ageS: number,
  links: () => (digest: Digest) => Promise<boolean>,
  stays: boolean,
][] = [
  ["old and not linked goes", 100, () => never, false],
  ["young stays", 10, () => never, true],
  ["linked stays", 100, () => always, true],
  [
    "linked while it is looked at stays",
    100,
    () => {
      const answers = [false, true];
      return async () => answers.shift() ?? true;
    },
    true,
  ],
];
for (const [what, ageS, links, stays] of COLLECTED)
  test(`what is ${what}`, async () => {
    await using folder = await temporaryFolder();
    const store = await withBlob(folder.path, ageS);
    assert.equal(await store.collect(links(), (NOW_S - 50) * 1000), stays ? 0 : 10);
    assert.equal(await store.sizeOf(digest), stays ? 10 : undefined);
  });

for (const [links, stays] of [
  [always, true],
  [never, false],
] as const)
  test(`what a crash left aside is ${stays ? "put back when it is linked" : "removed when it is not"}`, async () => {
    await using folder = await temporaryFolder();
    const store = await withBlob(folder.path, 10);
    const path = store.localPath(digest)!;
    await rename(path, join(path, "..", `aside-${digest.slice(7)}`));
    await store.collect(links, 0);
    assert.equal(await store.sizeOf(digest), stays ? 10 : undefined);
    assert.equal((await readdir(join(path, ".."))).length, stays ? 1 : 0);
  });
