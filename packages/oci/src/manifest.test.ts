import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "./hash.ts";
import { parseImageConfig } from "./image-config.ts";
import { artifactTypeOf, MAX_MANIFEST_BYTES, parseManifest } from "./manifest.ts";
import { MEDIA_TYPES } from "./media-types.ts";

const digest = sha256("x");
const config = { mediaType: MEDIA_TYPES.ociConfig, digest, size: 1 };
const layer = { mediaType: MEDIA_TYPES.ociLayerGzip, digest, size: 1 };
const image = { schemaVersion: 2, config, layers: [layer] };
const index = {
  schemaVersion: 2,
  manifests: [
    { ...config, mediaType: MEDIA_TYPES.ociManifest, platform: { os: "linux", architecture: "arm", variant: "v7" } },
  ],
};
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

const KINDS: readonly [what: string, document: object, said: string | undefined, kind: string, mediaType: string][] = [
  ["OCI image without mediaType", image, undefined, "image", MEDIA_TYPES.ociManifest],
  ["OCI image, said by the transport", image, MEDIA_TYPES.ociManifest, "image", MEDIA_TYPES.ociManifest],
  ["OCI index without mediaType", index, undefined, "index", MEDIA_TYPES.ociIndex],
  ["transport that only says JSON", image, "application/json", "image", MEDIA_TYPES.ociManifest],
  ["Docker image", { ...image, mediaType: MEDIA_TYPES.dockerManifest }, undefined, "image", MEDIA_TYPES.dockerManifest],
  ["Docker list", { ...index, mediaType: MEDIA_TYPES.dockerList }, undefined, "index", MEDIA_TYPES.dockerList],
];
for (const [what, document, said, kind, mediaType] of KINDS)
  test(`manifest: ${what}`, () => {
    const manifest = parseManifest(bytes(document), said);
    assert.equal(manifest.kind, kind);
    assert.equal(manifest.mediaType, mediaType);
  });

test("descriptors, platform and artifact type are read", () => {
  const parsed = parseManifest(bytes(index));
  assert.deepEqual(parsed.kind === "index" && parsed.manifests[0]?.platform, {
    os: "linux",
    architecture: "arm",
    variant: "v7",
  });
  assert.equal(artifactTypeOf(parseManifest(bytes(image))), MEDIA_TYPES.ociConfig);
  assert.equal(artifactTypeOf(parseManifest(bytes({ ...image, artifactType: "a/b" }))), "a/b");
});

const BAD: readonly [what: string, input: Buffer, said?: string][] = [
  ["no JSON", Buffer.from("{")],
  ["no object", bytes([])],
  ["schema 1", bytes({ ...image, schemaVersion: 1 })],
  ["no config", bytes({ schemaVersion: 2, layers: [] })],
  ["a digest that is none", bytes({ ...image, config: { ...config, digest: "sha256:../../etc/passwd" } })],
  ["a negative size", bytes({ ...image, layers: [{ ...layer, size: -1 }] })],
  ["layers without end", bytes({ ...image, layers: Array(5001).fill(layer) })],
  ["image and index at once", bytes({ ...image, ...index })],
  ["two media types", bytes({ ...image, mediaType: MEDIA_TYPES.ociManifest }), MEDIA_TYPES.ociIndex],
  ["an annotation that is no text", bytes({ ...image, annotations: { a: 1 } })],
  ["unknown media type", bytes({ ...image, mediaType: "a/b" })],
  ["too many bytes", Buffer.alloc(MAX_MANIFEST_BYTES + 1, " ")],
];
for (const [what, input, said] of BAD)
  test(`manifest refused: ${what}`, () => {
    assert.throws(() => parseManifest(input, said), { code: "manifest-invalid" });
  });

test("an image config without digests where they should be is refused", () => {
  const document = { os: "linux", architecture: "amd64", rootfs: { diff_ids: ["sha256:1"] } };
  assert.throws(() => parseImageConfig(bytes(document)), { code: "config-invalid" });
  assert.throws(() => parseImageConfig(bytes({ os: "linux" })), { code: "config-invalid" });
  assert.deepEqual(parseImageConfig(bytes({ os: "linux", architecture: "amd64" })).diffIds, []);
});
