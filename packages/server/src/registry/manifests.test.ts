import assert from "node:assert/strict";
import { test } from "node:test";
import { buildImage } from "@flotilla/oci/build";
import { sha256 } from "@flotilla/oci/hash";
import { MAX_MANIFEST_BYTES } from "@flotilla/oci/manifest";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";
import { startTestServer, type TestServer } from "../testing.ts";
import { errorCode, pushImage, rawRegistry, registryClient } from "./testing.ts";

const image = buildImage({ files: { hello: "world" } });
const asManifest = { "content-type": MEDIA_TYPES.ociManifest };

async function withImage(server: TestServer, repository = "default/a"): Promise<void> {
  await pushImage(registryClient(server), repository, "v1", image);
}

test("a manifest is read by tag and by digest", async () => {
  await using server = await startTestServer();
  await withImage(server);
  const send = rawRegistry(server);
  for (const name of ["v1", image.manifest.digest]) {
    const get = await send("GET", `default/a/manifests/${name}`);
    assert.equal(get.headers.get("content-type"), MEDIA_TYPES.ociManifest);
    assert.equal(get.headers.get("docker-content-digest"), image.manifest.digest);
    assert.equal(sha256(new Uint8Array(await get.arrayBuffer())), image.manifest.digest);
    const head = await send("HEAD", `default/a/manifests/${name}`);
    assert.equal(head.headers.get("content-length"), String(image.manifest.bytes.length));
  }
});

const REFUSED: readonly [what: string, name: string, body: Uint8Array | string, status: number, code: string][] = [
  ["under another digest", sha256("x"), image.manifest.bytes, 400, "DIGEST_INVALID"],
  ["that is not JSON", "v1", "{", 400, "MANIFEST_INVALID"],
  ["under a name that is no tag", "-v1", image.manifest.bytes, 400, "MANIFEST_INVALID"],
  ["beyond the bound", "v1", Buffer.alloc(MAX_MANIFEST_BYTES + 1, " "), 413, "MANIFEST_INVALID"],
];
for (const [what, name, body, status, code] of REFUSED)
  test(`a manifest ${what} is refused`, async () => {
    await using server = await startTestServer();
    const response = await rawRegistry(server)("PUT", `default/a/manifests/${name}`, { body, headers: asManifest });
    assert.equal(response.status, status);
    assert.equal(await errorCode(response), code);
    assert.equal((await rawRegistry(server)("GET", "default/a/manifests/v1")).status, 404);
  });

test("an index may name manifests that are not here; a push by digest sets tags", async () => {
  await using server = await startTestServer();
  const bytes = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [{ mediaType: MEDIA_TYPES.ociManifest, digest: sha256("elsewhere"), size: 100 }],
  });
  const path = `default/a/manifests/${sha256(bytes)}?tag=one&tag=two`;
  const headers = { "content-type": MEDIA_TYPES.ociIndex };
  const response = await rawRegistry(server)("PUT", path, { body: bytes, headers });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("oci-tag"), "one, two");
  assert.equal((await registryClient(server).getManifest("default/a", "two")).digest, sha256(bytes));
});

test("tags are listed in order, page by page", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  assert.equal((await rawRegistry(server)("GET", "default/a/tags/list")).status, 404);
  await withImage(server);
  const tags = ["B", "a", "a.1", "latest", "v1", "v10", "v2"];
  for (const tag of tags) await client.putManifest("default/a", tag, image.manifest);
  assert.deepEqual(await Array.fromAsync(client.listTags("default/a", { pageSize: 2 })), tags);
  const none = await rawRegistry(server)("GET", "default/a/tags/list?n=0");
  assert.deepEqual(await none.json(), { name: "default/a", tags: [] });
});

test("referrers are listed and filtered, also of what is not here", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  await withImage(server);
  const empty = Buffer.from("{}");
  await client.pushBlob("default/a", { digest: sha256(empty), sizeBytes: 2, content: empty });
  const subject = { mediaType: MEDIA_TYPES.ociManifest, digest: image.manifest.digest, size: 10 };
  const referrer = (artifactType: string) => ({
    mediaType: MEDIA_TYPES.ociManifest,
    bytes: Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.ociManifest,
        artifactType,
        config: { mediaType: MEDIA_TYPES.ociEmpty, digest: sha256(empty), size: 2 },
        layers: [],
        subject,
        annotations: { "org.example.kind": artifactType },
      }),
    ),
  });
  for (const type of ["application/sbom", "application/verdict"]) {
    const { bytes } = referrer(type);
    const path = `default/a/manifests/${sha256(bytes)}`;
    const response = await rawRegistry(server)("PUT", path, { body: bytes, headers: asManifest });
    assert.equal(response.headers.get("oci-subject"), image.manifest.digest);
  }
  const all = await client.listReferrers("default/a", image.manifest.digest);
  assert.deepEqual(all.map(({ artifactType }) => artifactType).sort(), ["application/sbom", "application/verdict"]);
  const path = `default/a/referrers/${image.manifest.digest}?artifactType=application/sbom`;
  const filtered = await rawRegistry(server)("GET", path);
  assert.equal(filtered.headers.get("oci-filters-applied"), "artifactType");
  const { manifests } = (await filtered.json()) as { manifests: { annotations: unknown }[] };
  assert.deepEqual(
    manifests.map(({ annotations }) => annotations),
    [{ "org.example.kind": "application/sbom" }],
  );
  assert.deepEqual(await client.listReferrers("default/a", sha256("nothing")), []);
});

test("deleting a tag keeps the manifest; deleting the manifest takes its tags", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  await withImage(server);
  await client.putManifest("default/a", "v2", image.manifest);
  assert.equal(await client.deleteManifest("default/a", "v1"), true);
  assert.equal(await client.headManifest("default/a", "v1"), undefined);
  assert.notEqual(await client.headManifest("default/a", image.manifest.digest), undefined);
  assert.equal(await client.deleteManifest("default/a", image.manifest.digest), true);
  assert.equal(await client.headManifest("default/a", "v2"), undefined);
  assert.equal(await client.deleteManifest("default/a", "v2"), false);
  const config = `default/a/blobs/${image.config.digest}`;
  assert.equal((await rawRegistry(server)("DELETE", config)).status, 202);
  assert.equal((await rawRegistry(server)("HEAD", config)).status, 404);
});

test("deleting in one repository leaves another whole", async () => {
  await using server = await startTestServer();
  await withImage(server, "default/a");
  await withImage(server, "default/b");
  const send = rawRegistry(server);
  await send("DELETE", `default/a/manifests/${image.manifest.digest}`);
  for (const { digest } of image.blobs) await send("DELETE", `default/a/blobs/${digest}`);
  assert.equal((await send("GET", "default/b/manifests/v1")).status, 200);
  for (const { digest } of image.blobs) assert.equal((await send("GET", `default/b/blobs/${digest}`)).status, 200);
});
