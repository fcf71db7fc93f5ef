import assert from "node:assert/strict";
import { test } from "node:test";
import { buildImage, buildIndex } from "./build.ts";
import { decompressed } from "./decompress.ts";
import { sha256 } from "./hash.ts";
import { parseImageConfig } from "./image-config.ts";
import { parseManifest } from "./manifest.ts";
import { readTar } from "./tar/read.ts";

const files = { "b/two": { content: "2", mode: 0o755 }, "/a/one": "1", "a/link": { link: "../b/two" } };

async function pathsOf(bytes: Uint8Array): Promise<string[]> {
  const paths: string[] = [];
  async function* stream() {
    yield bytes;
  }
  await readTar(decompressed(stream()), (entry) => {
    paths.push(entry.path);
    return undefined;
  });
  return paths;
}

test("equal files make equal images, in whatever order they are named", () => {
  const reversed = Object.fromEntries(Object.entries(files).reverse());
  assert.equal(buildImage({ files }).manifest.digest, buildImage({ files: reversed }).manifest.digest);
  assert.notEqual(buildImage({ files }).manifest.digest, buildImage({ files: { ...files, c: "3" } }).manifest.digest);
});

test("an image on a base has its layers, its platform and its config beside its own", async () => {
  const base = buildImage({
    files: [{ one: "1" }, { two: "2" }],
    config: { Env: ["A=b"], Cmd: ["/base"] },
    platform: { os: "linux", architecture: "arm64" },
  });
  const image = buildImage({ base, files: { "etc/one": { removed: true } }, config: { Cmd: ["/app"] } });
  const manifest = parseManifest(image.manifest.bytes);
  assert.ok(manifest.kind === "image");
  assert.equal(manifest.layers.length, 3);
  for (const { digest, bytes } of image.blobs) assert.equal(sha256(bytes), digest);
  const config = parseImageConfig(image.config.bytes);
  assert.deepEqual(config.platform, { os: "linux", architecture: "arm64" });
  assert.deepEqual(config.run, { Env: ["A=b"], Cmd: ["/app"] });
  assert.deepEqual(config.diffIds.slice(0, 2), parseImageConfig(base.config.bytes).diffIds);
  assert.deepEqual(await pathsOf(image.layers[2]!.bytes), ["etc", "etc/.wh.one"]);
});

test("folders come before what is in them, and once", async () => {
  const image = buildImage({ files });
  assert.deepEqual(await pathsOf(image.layers[0]!.bytes), ["a", "a/one", "a/link", "b", "b/two"]);
});

test("an index names its images by platform", () => {
  const images = ["amd64", "arm64"].map((architecture) =>
    buildImage({ files, platform: { os: "linux", architecture } }),
  );
  const index = parseManifest(buildIndex(images).manifest.bytes);
  assert.ok(index.kind === "index");
  assert.deepEqual(
    index.manifests.map(({ digest, platform }) => [digest, platform?.architecture]),
    images.map((image) => [image.manifest.digest, image.platform.architecture]),
  );
});
