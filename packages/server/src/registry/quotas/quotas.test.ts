import assert from "node:assert/strict";
import { test } from "node:test";
import { buildImage } from "@flotilla/oci/build";
import { sha256 } from "@flotilla/oci/hash";
import { RegistryUsage } from "@flotilla/protocol/api/registry-upkeep";
import { CreatedToken } from "@flotilla/protocol/api/users";
import { startTestServer, type TestServer } from "../../testing.ts";
import { pushImage, rawRegistry, registryClient } from "../testing.ts";

const NONE = { maxBytes: null, maxManifests: null, maxRepositories: null };
const image = buildImage({ files: { app: "x".repeat(20_000) }, compress: false });
const blobBytes = image.blobs.reduce((sum, blob) => sum + blob.bytes.length, 0);
const imageBytes = blobBytes + image.manifest.bytes.length;

const usage = (server: TestServer) => server.client.get("/api/v1/projects/default/registry/usage", RegistryUsage);
const setQuota = (server: TestServer, quota: Partial<typeof NONE | Record<keyof typeof NONE, number>>) =>
  server.client.put("/api/v1/projects/default/registry/quota", { ...NONE, ...quota }, RegistryUsage);

test("use counts each content once in a project, and follows deletions", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  await pushImage(client, "default/a", "v1", image);
  const once = { bytes: imageBytes, blobs: image.blobs.length, manifests: 1, repositories: 1, quota: NONE };
  assert.deepEqual(await usage(server), once);
  await pushImage(client, "default/a", "v2", image);
  assert.deepEqual(await usage(server), once);
  await pushImage(client, "default/b", "v1", image);
  assert.deepEqual(await usage(server), { ...once, manifests: 2, repositories: 2 });
  await client.deleteManifest("default/b", image.manifest.digest);
  assert.deepEqual(await usage(server), once);
  await client.deleteManifest("default/a", image.manifest.digest);
  assert.deepEqual(await usage(server), { ...once, bytes: blobBytes, manifests: 0, repositories: 0 });
});

interface Refusal {
  readonly what: string;
  readonly quota: Parameters<typeof setQuota>[1];
  readonly message: RegExp;
}
const REFUSALS: readonly Refusal[] = [
  { what: "more bytes", quota: { maxBytes: imageBytes + 999 }, message: /may have \S+ \S+ in the registry: delete/ },
  { what: "another manifest", quota: { maxManifests: 1 }, message: /1 manifests/ },
  { what: "another repository", quota: { maxRepositories: 1 }, message: /1 repositories/ },
];
const another = buildImage({ files: { app: "y".repeat(20_000) }, compress: false });
for (const { what, quota, message } of REFUSALS)
  test(`${what} than the quota is refused with a reason, and nothing of it stays`, async () => {
    await using server = await startTestServer();
    const client = registryClient(server);
    await pushImage(client, "default/a", "v1", image);
    await setQuota(server, quota);
    await assert.rejects(pushImage(client, "default/b", "v1", another), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
    const { manifests, repositories } = await usage(server);
    assert.deepEqual([manifests, repositories], [1, 1]);
    // What adds nothing is still let through.
    await client.putManifest("default/a", "v2", image.manifest);
    await setQuota(server, {});
    await pushImage(client, "default/b", "v1", another);
  });

test("an upload is refused as soon as it cannot fit, with the code that clients show", async () => {
  await using server = await startTestServer();
  await setQuota(server, { maxBytes: 10 });
  const send = rawRegistry(server);
  const location = (await send("POST", "default/a/blobs/uploads/")).headers.get("location") ?? "";
  const refused = await send("PATCH", location, { body: "more than ten bytes" });
  assert.equal(refused.status, 403);
  const { errors } = (await refused.json()) as { errors: { code: string; message: string }[] };
  assert.equal(errors[0]?.code, "DENIED");
  assert.match(errors[0]?.message ?? "", /project default may have 10 B/);
  await setQuota(server, { maxBytes: 0 });
  assert.equal((await send("POST", "default/a/blobs/uploads/")).status, 403);
});

test("two uploads that fit each but not together: one is refused", async () => {
  await using server = await startTestServer();
  await setQuota(server, { maxBytes: 15 });
  const send = rawRegistry(server);
  const bodies = ["ten bytes!", "another 10"];
  const locations = await Promise.all(bodies.map(() => send("POST", "default/a/blobs/uploads/")));
  await Promise.all(locations.map((at, index) => send("PATCH", at.headers.get("location")!, { body: bodies[index]! })));
  const ends = await Promise.all(
    locations.map((at, index) => send("PUT", `${at.headers.get("location")}?digest=${sha256(bodies[index]!)}`)),
  );
  assert.deepEqual(ends.map(({ status }) => status).sort(), [201, 403]);
  assert.equal((await usage(server)).bytes, 10);
});

test("who owns a project does not set its quota", async () => {
  await using server = await startTestServer();
  const body = { name: "project", scopes: ["project:manage"], expiresInDays: 1 };
  const token = await server.client.post("/api/v1/projects/default/tokens", body, CreatedToken);
  const set = server.clientWith(token.token).put("/api/v1/projects/default/registry/quota", NONE, RegistryUsage);
  await assert.rejects(set, { code: "forbidden" });
});
