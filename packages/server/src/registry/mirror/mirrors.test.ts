import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type Clock, systemClock } from "@flotilla/base/clock";
import { type BuiltImage, buildImage, buildIndex } from "@flotilla/oci/build";
import { ProjectPolicy } from "@flotilla/protocol/api/releases";
import { startTestServer, type TestServer } from "../../testing.ts";
import { errorCode, pushImage, rawRegistry, registryClient, scannedBytes, temporaryFolder } from "../testing.ts";
import { TAG_FRESH_MS } from "./freshness.ts";

const REPOSITORY = "default/mirror/up/default/web";
const image = buildImage({ files: { hello: "world" } });
const moved = buildImage({ files: { hello: "again" } });
const vulnerable = buildImage({
  files: { "app/node_modules/lodash/package.json": JSON.stringify({ name: "lodash", version: "4.17.4" }) },
});

interface Pair extends AsyncDisposable {
  readonly upstream: TestServer;
  readonly mirror: TestServer;
  /** Makes what the mirror knows of tags old. */
  age(): void;
}

async function startPair(): Promise<Pair> {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startTestServer());
  const folder = stack.use(await temporaryFolder());
  const credentialsFile = join(folder.path, "credentials");
  writeFileSync(credentialsFile, `token:${upstream.ownerToken}\n`);
  let ageMs = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ageMs };
  const mirrors = [{ name: "up", url: upstream.url, credentialsFile }];
  const mirror = stack.use(await startTestServer({ clock, settings: { mirrors } }));
  const age = () => {
    ageMs += TAG_FRESH_MS + 1;
  };
  return { upstream, mirror, age, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const push = (server: TestServer, pushed: BuiltImage, tag = "v1") =>
  pushImage(registryClient(server), "default/web", tag, pushed);
const pull = (server: TestServer, name: string) => rawRegistry(server)("GET", `${REPOSITORY}/manifests/${name}`);

async function eventsOf(server: TestServer, action: string) {
  const events = await server.context.events.after(0, { project: "default", limit: 200 });
  return events.filter((event) => event.action === action);
}

for (const name of ["v1", image.manifest.digest])
  test(`an image is pulled through by ${name.slice(0, 6)}, scanned as it arrives, and stays when the upstream is gone`, async () => {
    await using pair = await startPair();
    await push(pair.upstream, image);
    const first = await pull(pair.mirror, name);
    assert.equal(first.status, 200, await first.clone().text());
    assert.equal(first.headers.get("docker-content-digest"), image.manifest.digest);
    assert.deepEqual(await scannedBytes(pair.mirror), { streamed: image.layers[0]!.bytes.length, fromDisk: 0 });
    const [mirrored] = await eventsOf(pair.mirror, "image.mirrored");
    assert.equal(mirrored?.data?.["upstream"], "default/web");
    await pair.upstream.stop();
    pair.age();
    assert.equal((await pull(pair.mirror, name)).status, 200);
    for (const { digest, bytes } of image.blobs) {
      const blob = await rawRegistry(pair.mirror)("GET", `${REPOSITORY}/blobs/${digest}`);
      assert.deepEqual(Buffer.from(await blob.arrayBuffer()), Buffer.from(bytes));
    }
  });

test("an index comes with all its platforms", async () => {
  await using pair = await startPair();
  const arm = buildImage({ files: { hello: "arm" }, platform: { os: "linux", architecture: "arm64" } });
  const index = buildIndex([image, arm]);
  await push(pair.upstream, image, "amd");
  await push(pair.upstream, arm, "arm");
  await registryClient(pair.upstream).putManifest("default/web", "v1", index.manifest);
  assert.equal((await pull(pair.mirror, "v1")).headers.get("docker-content-digest"), index.manifest.digest);
  await pair.upstream.stop();
  assert.equal((await pull(pair.mirror, arm.manifest.digest)).status, 200);
  const layer = arm.layers[0]!.descriptor.digest;
  assert.equal((await rawRegistry(pair.mirror)("HEAD", `${REPOSITORY}/blobs/${layer}`)).status, 200);
});

test("a tag that moved is followed once what is known of it is old", async () => {
  await using pair = await startPair();
  await push(pair.upstream, image);
  const digest = async () => (await pull(pair.mirror, "v1")).headers.get("docker-content-digest");
  assert.equal(await digest(), image.manifest.digest);
  await push(pair.upstream, moved);
  assert.equal(await digest(), image.manifest.digest);
  pair.age();
  assert.equal(await digest(), moved.manifest.digest);
});

test("a blocked image is refused with its reasons, by every name and blob, until the policy lets it pass", async () => {
  await using pair = await startPair();
  await push(pair.upstream, vulnerable);
  const policy = "/api/v1/projects/default/policy";
  const text = "name: strict\nrules:\n  - name: all\n    action: block\n";
  await pair.mirror.client.put(policy, { text }, ProjectPolicy);
  const layer = `${REPOSITORY}/blobs/${vulnerable.layers[0]!.descriptor.digest}`;
  for (const name of ["v1", "v1", vulnerable.manifest.digest]) {
    const refused = await pull(pair.mirror, name);
    assert.equal(refused.status, 403);
    const { errors } = (await refused.json()) as { errors: { code: string; message: string }[] };
    assert.equal(errors[0]?.code, "DENIED");
    assert.match(errors[0]?.message ?? "", /\[all\] .*lodash/);
  }
  assert.equal((await rawRegistry(pair.mirror)("GET", layer)).status, 403);
  assert.equal((await eventsOf(pair.mirror, "image.mirror-refused")).length, 1);
  assert.equal((await eventsOf(pair.mirror, "image.mirrored")).length, 0);
  const lax = "name: lax\nrules:\n  - name: all\n    action: warn\n";
  await pair.mirror.client.put(policy, { text: lax }, ProjectPolicy);
  assert.equal((await pull(pair.mirror, "v1")).status, 200);
  assert.equal((await rawRegistry(pair.mirror)("GET", layer)).status, 200);
});

test("concurrent pulls of one image fetch it once", async () => {
  await using pair = await startPair();
  await push(pair.upstream, image);
  const names = ["v1", "v1", image.manifest.digest, "v1"];
  for (const { status } of await Promise.all(names.map((name) => pull(pair.mirror, name)))) assert.equal(status, 200);
  assert.equal((await scannedBytes(pair.mirror)).streamed, image.layers[0]!.bytes.length);
});

test("nobody pushes into a mirror; deleting is allowed; what is nowhere is unknown", async () => {
  await using pair = await startPair();
  await push(pair.upstream, image);
  await assert.rejects(pushImage(registryClient(pair.mirror), REPOSITORY, "v1", image), { code: "registry-denied" });
  assert.equal((await pull(pair.mirror, "v2")).status, 404);
  assert.equal((await pull(pair.mirror, "v1")).status, 200);
  assert.equal(await registryClient(pair.mirror).deleteManifest(REPOSITORY, image.manifest.digest), true);
});

/** A registry that answers these bytes under the image's names. */
async function startLiar(wrong: "layer" | "manifest"): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const blob = image.blobs.find(({ digest }) => path.endsWith(`/blobs/${digest}`));
    const isLayer = blob?.digest === image.layers[0]!.descriptor.digest;
    const bytes = Buffer.from(blob?.bytes ?? image.manifest.bytes);
    if (wrong === "layer" ? isLayer : blob === undefined) bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1;
    if (blob === undefined) response.setHeader("docker-content-digest", image.manifest.digest);
    response.setHeader("content-type", blob === undefined ? image.manifest.mediaType : "application/octet-stream");
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

for (const wrong of ["layer", "manifest"] as const)
  test(`an upstream that answers another ${wrong} is refused and leaves no image`, async () => {
    await using liar = await startLiar(wrong);
    await using mirror = await startTestServer({ settings: { mirrors: [{ name: "up", url: liar.url }] } });
    const refused = await pull(mirror, "v1");
    assert.equal(refused.status, 403);
    assert.equal(await errorCode(refused), "DENIED");
    assert.equal((await eventsOf(mirror, "image.mirror-refused")).length, 1);
    const layer = image.layers[0]!.descriptor.digest;
    assert.equal((await rawRegistry(mirror)("GET", `${REPOSITORY}/blobs/${layer}`)).status, 404);
    const manifests = await mirror.context.database.read.selectFrom("registry_manifests").selectAll().execute();
    assert.deepEqual(manifests, []);
  });
