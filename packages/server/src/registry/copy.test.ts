import assert from "node:assert/strict";
import { test } from "node:test";
import { type BuiltImage, buildImage, buildIndex } from "@flotilla/oci/build";
import type { RegistryClient } from "@flotilla/oci/client";
import { registrySource } from "@flotilla/oci/content";
import { type CopyProgress, copyImage } from "@flotilla/oci/copy";
import { startTestServer } from "../testing.ts";
import { pushImage, registryClient } from "./testing.ts";

const image = buildImage({ files: [{ base: "b".repeat(50_000) }, { app: "a" }] });
const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));

async function pushIndex(client: RegistryClient, repository: string, images: readonly BuiltImage[]) {
  for (const each of images) {
    for (const { digest, bytes } of each.blobs)
      await client.pushBlob(repository, { digest, sizeBytes: bytes.length, content: bytes });
    await client.putManifest(repository, each.manifest.digest, each.manifest);
  }
  const index = buildIndex(images);
  await client.putManifest(repository, "v1", index.manifest);
  return index;
}

/** A client that counts the blobs pushed through it. */
function counting(client: RegistryClient): RegistryClient & { readonly pushed: string[] } {
  const pushed: string[] = [];
  return {
    ...client,
    pushed,
    pushBlob(repository, blob, options) {
      pushed.push(blob.digest);
      return client.pushBlob(repository, blob, options);
    },
  };
}

test("an image is copied by digest to another server, with progress, and only once", async () => {
  await using source = await startTestServer();
  await using target = await startTestServer();
  await pushImage(registryClient(source), "default/web", "v1", image);
  const to = counting(registryClient(target));
  const steps: CopyProgress[] = [];
  const from = registrySource(registryClient(source), "default/web");
  const options = {
    from,
    name: "v1",
    to,
    repository: "default/copy",
    onProgress: (step: CopyProgress) => steps.push(step),
  };
  const copied = await copyImage({ ...options, tag: "latest" });
  assert.equal(copied.digest, image.manifest.digest);
  const total = image.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  assert.deepEqual(steps.at(-1), { doneBytes: total, totalBytes: total, skippedBytes: 0 });
  assert.equal((await to.getManifest("default/copy", "latest")).digest, image.manifest.digest);
  assert.equal(to.pushed.length, image.blobs.length);

  await copyImage(options);
  assert.equal(to.pushed.length, image.blobs.length);
  assert.deepEqual(steps.at(-1), { doneBytes: total, totalBytes: total, skippedBytes: total });
});

test("what another repository of the project has is mounted", async () => {
  await using server = await startTestServer();
  await pushImage(registryClient(server), "default/web", "v1", image);
  const to = counting(registryClient(server));
  const from = registrySource(to, "default/web");
  await copyImage({ from, name: "v1", to, repository: "default/copy", mountFrom: ["default/none", "default/web"] });
  assert.deepEqual(to.pushed, []);
  assert.equal((await to.getManifest("default/copy", image.manifest.digest)).digest, image.manifest.digest);
});

test("chosen platforms are copied, and the index keeps its digest", async () => {
  await using source = await startTestServer();
  await using target = await startTestServer();
  const images = platforms.map((platform) => buildImage({ files: { arch: platform.architecture }, platform }));
  const index = await pushIndex(registryClient(source), "default/web", images);
  const to = registryClient(target);
  const from = registrySource(registryClient(source), "default/web");
  const options = { from, name: "v1", to, repository: "default/copy" };
  const copied = await copyImage({ ...options, platforms: [{ os: "linux", architecture: "arm64" }] });
  assert.equal(copied.digest, index.manifest.digest);
  assert.deepEqual(
    copied.manifests.map(({ digest }) => digest),
    [images[1]!.manifest.digest],
  );
  assert.equal(await to.headManifest("default/copy", images[0]!.manifest.digest), undefined);
  await copyImage(options);
  assert.notEqual(await to.headManifest("default/copy", images[0]!.manifest.digest), undefined);
  const missing = copyImage({ ...options, platforms: [{ os: "linux", architecture: "riscv64" }] });
  await assert.rejects(missing, { code: "platform-missing", message: /linux\/riscv64/ });
});
