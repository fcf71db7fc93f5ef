import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { ReleaseDetail } from "@flotilla/protocol/api/releases";
import { type Kysely, sql } from "kysely";
import { up } from "../store/migrations/0006-release-contents.ts";
import { startTestServer, type TestServer } from "../testing.ts";
import { compose, goodImage, push, registryClient, releaseRequest } from "./release.fixture.ts";

const PATH = "/api/v1/projects/default/apps/shop/releases";

async function makeRelease(server: TestServer): Promise<ReleaseDetail> {
  const digest = await push(server, "default/web", goodImage(), "1");
  const client = registryClient(server);
  const content = new TextEncoder().encode("hello");
  const { app } = await compose(
    "name: shop\nservices:\n  web: { image: web:1, configs: [motd] }\nconfigs: { motd: { file: motd } }\n",
    { motd: "hello" },
  );
  const motd = app!.configs["motd"]!;
  assert.ok(motd.kind === "file");
  await client.pushBlob("default/shop", { digest: motd.digest, sizeBytes: content.length, content });
  const body = await releaseRequest("name: shop\nservices: { web: { image: web:1 } }\n", { "web:1": digest });
  return server.client.post(PATH, { ...body, compose: app }, ReleaseDetail);
}

async function status(server: TestServer, method: string, path: string, body?: Uint8Array): Promise<number> {
  const headers = {
    authorization: `Bearer ${server.ownerToken}`,
    "content-type": "application/vnd.oci.image.manifest.v1+json",
  };
  const response = await fetch(`${server.url}/v2/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  });
  if (response.status === 409) assert.match(await response.text(), /the release shop r1 needs .*releases never change/);
  return response.status;
}

test("what a release names cannot be deleted from the registry, and its tag never moves", async () => {
  await using server = await startTestServer();
  const release = await makeRelease(server);
  const image = release.document.images["web:1"]!;
  const platform = image.platforms[0]!;
  const artifact = JSON.parse(
    Buffer.from((await registryClient(server).getManifest("default/shop", "r1")).bytes).toString(),
  );
  const manifests = [
    ["default/shop", "r1"],
    ["default/shop", release.digest],
    ["default/shop", release.referrers.sbom],
    ["default/shop", release.referrers.verdict],
    ["default/web", image.digest],
    ["default/web", platform.manifest],
  ];
  for (const [repository, name] of manifests)
    assert.equal(await status(server, "DELETE", `${repository}/manifests/${name}`), 409, `${repository} ${name}`);
  const blobs: [string, Digest][] = [
    ["default/shop", artifact.config.digest],
    ...artifact.layers.map(({ digest }: { digest: Digest }) => ["default/shop", digest]),
    ["default/web", platform.config],
    ...platform.layers.map(({ digest }) => ["default/web", digest]),
  ];
  assert.equal(blobs.length, 5, "document, application, config file, image config, layer");
  for (const [repository, digest] of blobs)
    assert.equal(await status(server, "DELETE", `${repository}/blobs/${digest}`), 409, `${repository} ${digest}`);

  const own = await registryClient(server).getManifest("default/shop", "r1");
  const other = goodImage("v2");
  await push(server, "default/shop", other);
  assert.equal(await status(server, "PUT", "default/shop/manifests/r1", other.manifest.bytes), 409);
  const byDigest = `default/shop/manifests/${other.manifest.digest}?tag=r1`;
  assert.equal(await status(server, "PUT", byDigest, other.manifest.bytes), 409);
  assert.equal(await status(server, "PUT", "default/shop/manifests/r1", own.bytes), 201, "it names that already");
  assert.equal((await registryClient(server).getManifest("default/shop", "r1")).digest, release.digest);
});

test("everything else stays free: other tags, other images, tags like a release's elsewhere", async () => {
  await using server = await startTestServer();
  await makeRelease(server);
  const other = goodImage("v2");
  await push(server, "default/web", other, "1");
  await push(server, "default/web", other, "r1");
  await push(server, "default/shop", other, "latest");
  assert.equal(await status(server, "DELETE", "default/web/manifests/r1"), 202);
  assert.equal(await status(server, "DELETE", "default/shop/manifests/latest"), 202);
  assert.equal(await status(server, "DELETE", `default/web/manifests/${other.manifest.digest}`), 202);
  assert.equal(await status(server, "DELETE", `default/web/blobs/${other.config.digest}`), 202);
});

test("a tag that was pushed before its release was made comes to name the release", async () => {
  await using server = await startTestServer();
  await push(server, "default/shop", goodImage("squatter"), "r1");
  const release = await makeRelease(server);
  assert.equal((await registryClient(server).getManifest("default/shop", "r1")).digest, release.digest);
});

test("releases that were made before are protected too: the migration finds what they need", async () => {
  await using server = await startTestServer();
  const release = await makeRelease(server);
  const database = server.context.database;
  const rows = () =>
    database.read
      .selectFrom("release_contents")
      .select(["repository", "digest", "app", "number"])
      .orderBy("repository")
      .orderBy("digest")
      .execute();
  const written = await rows();
  await database.write(async (trx) => {
    await sql`DROP TABLE release_contents`.execute(trx);
    await up(trx as unknown as Kysely<unknown>);
  });
  const found = await rows();
  const referrerBlobs = written.filter((row) => !found.some(({ digest }) => digest === row.digest));
  assert.equal(referrerBlobs.length, 3, "SBOM, verdict and the empty config: their manifests keep them");
  assert.deepEqual(
    found,
    written.filter((row) => !referrerBlobs.includes(row)),
  );
  assert.ok(found.some(({ digest }) => digest === asDigest(release.digest)));
});
