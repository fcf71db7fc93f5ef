import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { encodedPart } from "@flotilla/base/digest";
import { sha256 } from "@flotilla/oci/hash";
import { type BlobStore, openBlobStore } from "./blob-store.ts";

const CONTENT = Buffer.from("the bytes of a layer".repeat(1000));
const DIGEST = sha256(CONTENT);

describe("blob store", () => {
  let folder = "";
  let store: BlobStore;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-blobs-"));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    await rm(folder, { recursive: true });
    store = await openBlobStore(folder, systemClock);
  });

  async function append(...parts: readonly Uint8Array[]): Promise<void> {
    await using partial = await store.partial(DIGEST);
    for (const part of parts) await partial.append(part);
  }

  it("does not count a blob as present before it is whole", async () => {
    await append(CONTENT.subarray(0, 500));
    assert.equal(await store.has(DIGEST), false);
    assert.deepEqual(await store.list(), []);
    {
      await using partial = await store.partial(DIGEST);
      assert.equal(partial.sizeBytes, 500);
      await partial.append(CONTENT.subarray(500));
      await partial.commit();
    }
    assert.equal(await store.has(DIGEST), true);
    assert.equal(await store.sizeBytes(DIGEST), CONTENT.length);
    assert.deepEqual(await store.list(), [DIGEST]);
    assert.deepEqual(Buffer.from(await store.readAll(DIGEST, 1e6)), CONTENT);
    assert.deepEqual(await readdir(join(folder, "partial")), []);
  });

  it("goes on after a restart", async () => {
    await append(CONTENT.subarray(0, 7000));
    store = await openBlobStore(folder, systemClock);
    await using partial = await store.partial(DIGEST);
    assert.equal(partial.sizeBytes, 7000);
    await partial.append(CONTENT.subarray(7000));
    await partial.commit();
    assert.equal(await store.has(DIGEST), true);
  });

  it("drops a partial file whose bytes were changed", async () => {
    await append(CONTENT.subarray(0, 7000));
    await writeFile(join(folder, "partial", encodedPart(DIGEST)), Buffer.alloc(7000));
    await using partial = await store.partial(DIGEST);
    await partial.append(CONTENT.subarray(7000));
    await assert.rejects(partial.commit(), { code: "blob-damaged" });
    assert.equal(partial.sizeBytes, 0);
    assert.equal(await store.has(DIGEST), false);
    await partial.append(CONTENT);
    await partial.commit();
    assert.equal(await store.has(DIGEST), true);
  });

  it("refuses to put content under another digest", async () => {
    await assert.rejects(store.put(DIGEST, Buffer.from("other")), { code: "blob-damaged" });
    assert.equal(await store.has(DIGEST), false);
    await store.put(DIGEST, CONTENT);
    assert.equal(await store.has(DIGEST), true);
  });

  it("bounds what is read into memory", async () => {
    await store.put(DIGEST, CONTENT);
    await assert.rejects(store.readAll(DIGEST, CONTENT.length - 1), { code: "blob-too-large" });
    await assert.rejects(store.readAll(sha256("no"), 10), { code: "blob-absent" });
  });

  it("removes the whole and the unfinished", async () => {
    await store.put(DIGEST, CONTENT);
    await store.remove(DIGEST);
    await store.remove(DIGEST);
    assert.equal(await store.has(DIGEST), false);
  });

  it("sweeps what a crash and given-up downloads left", async () => {
    await writeFile(join(folder, "sha256", `${encodedPart(DIGEST)}.abc.tmp`), "half");
    await append(CONTENT.subarray(0, 10));
    const path = join(folder, "partial", encodedPart(DIGEST));
    await appendFile(path, "");
    await utimes(path, 0, 0);
    await openBlobStore(folder, systemClock);
    assert.deepEqual(await readdir(join(folder, "sha256")), []);
    assert.deepEqual(await readdir(join(folder, "partial")), []);
  });

  it("knows how much room there is", async () => {
    assert.ok((await store.freeBytes()) > 0);
  });
});
