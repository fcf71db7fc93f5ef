import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { encodedPart } from "@flotilla/base/digest";
import { type BuiltImage, buildImage, buildIndex } from "./build.ts";
import { readDockerArchive } from "./docker-archive.ts";
import { sha256 } from "./hash.ts";
import type { LocalImage } from "./image-files.ts";
import { openLayout } from "./layout.ts";
import { MEDIA_TYPES } from "./media-types.ts";
import { chunksOf } from "./positioned.ts";
import { walkTar } from "./tar/walk.ts";
import { tarOf } from "./tar/write.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flotilla-images-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const image = buildImage({ files: [{ "a/one": "1" }, { two: "22" }], compress: false });

type Entry = Parameters<typeof tarOf>[0][number];

function archive(
  change: (entries: Entry[], list: { Config: string; RepoTags: string[]; Layers: string[] }) => void,
): string {
  const list = { Config: "c.json", RepoTags: ["web:v1"], Layers: ["l0/layer.tar", "l1/layer.tar"] };
  const entries: Entry[] = [
    ...image.layers.map((layer, index) => ({
      path: `l${index}/layer.tar`,
      kind: "file" as const,
      content: layer.bytes,
    })),
    { path: "c.json", kind: "file", content: image.config.bytes },
  ];
  change(entries, list);
  const file = join(folder, "image.tar");
  writeFileSync(file, tarOf([...entries, { path: "manifest.json", kind: "file", content: JSON.stringify([list]) }]));
  return file;
}

function pathsIn(found: LocalImage): string[][] {
  return found.layers.map((layer) => {
    using source = layer.open();
    return [...walkTar(source)].map(({ path }) => path);
  });
}

test("a docker archive is read where it stands", () => {
  const [found] = readDockerArchive(archive(() => {}));
  assert.deepEqual(found?.names, ["web:v1"]);
  assert.equal(found?.configDigest, image.config.digest);
  assert.deepEqual(pathsIn(found!), [["a", "a/one"], ["two"]]);
  for (const layer of found!.layers) {
    using source = layer.open();
    assert.equal(sha256(Buffer.concat([...chunksOf(source)])), layer.diffId);
  }
});

test("layers that older engines write as links are followed", () => {
  const file = archive((entries) => {
    entries.push({ path: "real.tar", kind: "file", content: image.layers[0]!.bytes });
    entries[0] = { path: "l0/layer.tar", kind: "symlink", linkName: "../real.tar" };
  });
  assert.deepEqual(pathsIn(readDockerArchive(file)[0]!), [["a", "a/one"], ["two"]]);
});

const BAD: readonly [what: string, change: Parameters<typeof archive>[0]][] = [
  ["a missing config", (entries) => entries.splice(2)],
  ["a missing layer", (entries) => entries.splice(0, 1)],
  ["a layer too few", (_entries, list) => list.Layers.pop()],
  ["links in a ring", (entries) => (entries[0] = { path: "l0/layer.tar", kind: "symlink", linkName: "layer.tar" })],
];
for (const [what, change] of BAD)
  test(`a docker archive with ${what} is refused`, () => {
    assert.throws(() => readDockerArchive(archive(change)), { code: "docker-archive-invalid" });
  });

test("an archive that is no docker archive is refused", () => {
  const file = join(folder, "other.tar");
  writeFileSync(file, tarOf([]));
  assert.throws(() => readDockerArchive(file), { code: "docker-archive-invalid", message: /manifest.json/ });
});

function layout(images: readonly BuiltImage[], list: readonly object[]): string {
  const put = (path: string, content: Uint8Array | string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  put("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  put("index.json", JSON.stringify({ schemaVersion: 2, manifests: list }));
  for (const each of images)
    for (const { digest, bytes } of [...each.blobs, each.manifest]) put(`blobs/sha256/${encodedPart(digest)}`, bytes);
  return folder;
}

const descriptor = (built: { manifest: BuiltImage["manifest"] }, name?: string) => ({
  mediaType: built.manifest.mediaType,
  digest: built.manifest.digest,
  size: built.manifest.bytes.length,
  ...(name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": name } }),
});

test("a layout gives its image by tag, by digest, and alone without a name", () => {
  const opened = openLayout(layout([image], [descriptor(image, "v1")]));
  for (const name of ["v1", image.manifest.digest, undefined]) {
    const found = opened.image(name);
    assert.equal(found.manifestDigest, image.manifest.digest);
    assert.deepEqual(pathsIn(found), [["a", "a/one"], ["two"]]);
  }
  assert.deepEqual(opened.tags, ["v1"]);
  assert.throws(() => opened.image("v2"), { code: "layout-not-found" });
});

test("a layout with an index asks for the platform", () => {
  const images = ["amd64", "arm64"].map((architecture) =>
    buildImage({ files: { architecture }, platform: { os: "linux", architecture } }),
  );
  const index = buildIndex(images);
  layout(images, [{ ...descriptor(index), mediaType: MEDIA_TYPES.ociIndex }]);
  writeFileSync(join(folder, "blobs/sha256", encodedPart(index.manifest.digest)), index.manifest.bytes);
  const opened = openLayout(folder);
  const chosen = opened.image(undefined, { os: "linux", architecture: "arm64" });
  assert.equal(chosen.manifestDigest, images[1]!.manifest.digest);
  assert.throws(() => opened.image(), { code: "platform-missing", message: /linux\/amd64, linux\/arm64/ });
});

test("a blob that is not what its name says is refused", async () => {
  const opened = openLayout(layout([image], [descriptor(image)]));
  const [first] = image.layers;
  writeFileSync(opened.blobPath(first!.descriptor.digest), "other");
  await assert.rejects(Array.fromAsync(opened.readBlob(first!.descriptor)), { code: "digest-mismatch" });
  writeFileSync(opened.blobPath(image.config.digest), "{}");
  assert.throws(() => opened.image(), { code: "digest-mismatch" });
});

test("a folder that is no layout is refused", () => {
  assert.throws(() => openLayout(folder), { code: "layout-invalid" });
});
