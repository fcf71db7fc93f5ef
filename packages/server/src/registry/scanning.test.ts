import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type BuildLayer, type BuiltImage, buildImage, buildIndex } from "@flotilla/oci/build";
import type { RegistryClient } from "@flotilla/oci/client";
import { sha256 } from "@flotilla/oci/hash";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";
import { ScanResult, TagList } from "@flotilla/protocol/api/registry";
import { startTestServer, type TestServer } from "../testing.ts";
import { pushImage, rawRegistry, registryClient, scannedBytes, startServerOn, temporaryFolder } from "./testing.ts";

const installed = (name: string, version: string): BuildLayer => ({
  [`app/node_modules/${name}/package.json`]: JSON.stringify({ name, version }),
});
const base = buildImage({ files: installed("lodash", "4.17.4") });

function scanOf(server: Pick<TestServer, "client">, digest: string): Promise<ScanResult> {
  return server.client.get(`/api/v1/projects/default/scans/${digest}?waitSeconds=30`, ScanResult);
}

function purls(scan: ScanResult): readonly string[] {
  const { packages } = scan.report as { readonly packages: readonly { readonly purl: string }[] };
  return packages.map(({ purl }) => purl);
}

async function pushBlobs(client: RegistryClient, image: BuiltImage): Promise<void> {
  for (const { digest, bytes } of image.blobs)
    await client.pushBlob("default/web", { digest, sizeBytes: bytes.length, content: bytes });
}

test("a pushed image is scanned from its upload, judged, and told", async () => {
  await using server = await startTestServer();
  const told: string[] = [];
  server.context.bus.subscribe("scan.done", ({ project, manifest }) => told.push(`${project} ${manifest}`));
  await pushImage(registryClient(server), "default/web", "v1", base);
  const scan = await scanOf(server, base.manifest.digest);
  assert.equal(scan.state, "done");
  assert.deepEqual(purls(scan), ["pkg:npm/lodash@4.17.4"]);
  const { findings, sources } = scan.report as { findings: { kind: string }[]; sources: unknown[] };
  assert.ok(findings.some(({ kind }) => kind === "vulnerability"));
  assert.ok(sources.length > 0);
  assert.deepEqual(told, [`default ${base.manifest.digest}`]);
  const layer = base.layers[0]!.bytes.length;
  assert.deepEqual(await scannedBytes(server), { streamed: layer, fromDisk: 0 });
  const events = await server.context.events.after(0, { project: "default", limit: 100 });
  const scanned = events.find(({ action }) => action === "image.scanned");
  assert.equal(scanned?.subject, `image/${base.manifest.digest}`);
  const tags = await server.client.get("/api/v1/projects/default/repositories/tags?repository=default/web", TagList);
  assert.equal(tags.items[0]?.scan, "done");
});

test("the second push of a shared layer reads none of its bytes", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  await pushImage(client, "default/web", "v1", base);
  await scanOf(server, base.manifest.digest);
  const before = await scannedBytes(server);
  const next = buildImage({ base, files: installed("left-pad", "1.3.0") });
  const [shared, own] = next.layers;
  assert.equal(await client.mountBlob("default/other", shared!.descriptor.digest, "default/web"), true);
  for (const { digest, bytes } of next.blobs)
    if (digest !== shared!.descriptor.digest)
      await client.pushBlob("default/other", { digest, sizeBytes: bytes.length, content: bytes });
  await client.putManifest("default/other", "v2", next.manifest);
  const scan = await scanOf(server, next.manifest.digest);
  assert.deepEqual(purls(scan), ["pkg:npm/left-pad@1.3.0", "pkg:npm/lodash@4.17.4"]);
  const after = await scannedBytes(server);
  assert.equal(after.streamed - before.streamed, own!.bytes.length);
  assert.equal(after.fromDisk, 0);
});

test("an upload that a restart interrupted goes on; its layer is then read from the disk, once", async () => {
  await using folder = await temporaryFolder();
  const server = await startServerOn(folder.path);
  const [layer] = base.layers;
  const { bytes, descriptor } = layer!;
  const location = (await rawRegistry(server)("POST", "default/web/blobs/uploads/")).headers.get("location")!;
  await rawRegistry(server)("PATCH", location, { body: bytes.slice(0, 100) });
  await server.stop();
  await using again = await startServerOn(folder.path);
  const send = rawRegistry(again);
  assert.equal((await send("GET", location)).headers.get("range"), "0-99");
  const end = await send("PUT", `${location}?digest=${descriptor.digest}`, { body: bytes.slice(100) });
  assert.equal(end.status, 201);
  for (const tag of ["v1", "v2"]) {
    await pushImage(registryClient(again), "default/web", tag, { ...base, blobs: [base.config] });
    assert.deepEqual(purls(await scanOf(again, base.manifest.digest)), ["pkg:npm/lodash@4.17.4"]);
    assert.deepEqual(await scannedBytes(again), { streamed: 0, fromDisk: bytes.length });
  }
});

test("an upload in chunks is scanned as it arrives; an uncompressed layer too", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  const image = buildImage({ files: [installed("lodash", "4.17.4"), installed("left-pad", "1.3.0")], compress: false });
  for (const { digest, bytes } of image.blobs)
    await client.pushBlob("default/web", { digest, sizeBytes: bytes.length, content: bytes }, { chunkBytes: 1000 });
  await client.putManifest("default/web", "v1", image.manifest);
  assert.equal(purls(await scanOf(server, image.manifest.digest)).length, 2);
  assert.equal((await scannedBytes(server)).fromDisk, 0);
});

test("an index is judged by what all its images hold", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  const images = [
    buildImage({ files: installed("lodash", "4.17.4") }),
    buildImage({ files: installed("left-pad", "1.3.0"), platform: { os: "linux", architecture: "arm64" } }),
  ];
  for (const image of images) {
    await pushBlobs(client, image);
    await client.putManifest("default/web", image.manifest.digest, image.manifest);
  }
  const index = buildIndex(images);
  await client.putManifest("default/web", "v1", index.manifest);
  const scan = await scanOf(server, index.manifest.digest);
  assert.deepEqual(purls(scan), ["pkg:npm/left-pad@1.3.0", "pkg:npm/lodash@4.17.4"]);
});

/** An image whose one layer is `bytes`, whatever its config says. */
function imageOf(bytes: Uint8Array, diffId = sha256("another tar")): Pick<BuiltImage, "blobs" | "manifest"> {
  const config = Buffer.from(
    JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [diffId] } }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: sha256(config), size: config.length },
      layers: [{ mediaType: MEDIA_TYPES.ociLayerGzip, digest: sha256(bytes), size: bytes.length }],
    }),
  );
  return {
    blobs: [config, bytes].map((each) => ({ digest: sha256(each), bytes: each })),
    manifest: { digest: sha256(manifest), mediaType: MEDIA_TYPES.ociManifest, bytes: manifest },
  };
}

const UNREADABLE: readonly [what: string, image: Pick<BuiltImage, "blobs" | "manifest">][] = [
  ["is no tar", imageOf(gzipSync("this is no tar, however long it may be. ".repeat(100)))],
  ["is cut short", imageOf(base.layers[0]!.bytes.slice(0, 100))],
  ["is another than the config says", imageOf(base.layers[0]!.bytes)],
];
for (const [what, image] of UNREADABLE)
  test(`an image with a layer that ${what} gets no verdict`, async () => {
    await using server = await startTestServer();
    await pushImage(registryClient(server), "default/web", "v1", image as BuiltImage);
    const scan = await scanOf(server, image.manifest.digest);
    assert.equal(scan.state, "failed");
    assert.match(scan.problem ?? "", /layer sha256:/);
    assert.equal(scan.report, undefined);
  });

const SPARSE: readonly [without: string, digest: string][] = [
  ["layer", base.layers[0]!.descriptor.digest],
  ["config", base.config.digest],
];
for (const [noun, digest] of SPARSE)
  test(`an image without its ${noun} is kept but gets no verdict until it is whole and pushed again`, async () => {
    await using server = await startTestServer();
    const client = registryClient(server);
    // Another repository of the project has the blob: that does not make this image whole.
    await pushBlobs(client, base);
    const part = { ...base, blobs: base.blobs.filter((blob) => blob.digest !== digest) };
    await pushImage(client, "default/sparse", "v1", part);
    const scan = await scanOf(server, base.manifest.digest);
    assert.equal(scan.state, "failed");
    assert.match(scan.problem ?? "", new RegExp(`${noun} ${digest} is not here`));
    assert.equal((await rawRegistry(server)("GET", "default/sparse/manifests/v1")).status, 200);
    assert.equal((await rawRegistry(server)("GET", `default/sparse/blobs/${digest}`)).status, 404);
    await pushImage(client, "default/sparse", "v1", base);
    assert.deepEqual(purls(await scanOf(server, base.manifest.digest)), ["pkg:npm/lodash@4.17.4"]);
  });

test("an artifact that is no image is not scanned", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  const empty = Buffer.from("{}");
  await client.pushBlob("default/web", { digest: sha256(empty), sizeBytes: 2, content: empty });
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: "application/example",
      config: { mediaType: MEDIA_TYPES.ociEmpty, digest: sha256(empty), size: 2 },
      layers: [],
    }),
  );
  const digest = await client.putManifest("default/web", "v1", { bytes, mediaType: MEDIA_TYPES.ociManifest });
  const path = `/api/v1/projects/default/scans/${digest}`;
  await assert.rejects(server.client.get(path, ScanResult), { code: "not-found" });
});

test("a scan that a restart interrupted is taken up again", async () => {
  await using folder = await temporaryFolder();
  const server = await startServerOn(folder.path);
  await pushImage(registryClient(server), "default/web", "v1", base);
  await scanOf(server, base.manifest.digest);
  await server.context.database.write(async (trx) => {
    await trx.updateTable("registry_scans").set({ state: "pending", report: null, inventory: null }).execute();
  });
  await server.stop();
  await using again = await startServerOn(folder.path);
  assert.equal((await scanOf(again, base.manifest.digest)).state, "done");
  assert.equal((await rawRegistry(again)("GET", "default/web/manifests/v1")).status, 200);
});
