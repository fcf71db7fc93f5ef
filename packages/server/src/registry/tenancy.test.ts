import assert from "node:assert/strict";
import { test } from "node:test";
import { buildImage } from "@flotilla/oci/build";
import { ScanResult } from "@flotilla/protocol/api/registry";
import { CreatedToken, Project } from "@flotilla/protocol/api/users";
import { startTestServer, type TestServer } from "../testing.ts";
import { admit } from "./admission.ts";
import { errorCode, pushImage, rawRegistry, registryClient } from "./testing.ts";

const image = buildImage({ files: { "app.txt": "of the default project" } });
const blob = image.blobs[0]!;

/** A token that holds everything in the project `other` and nothing elsewhere. */
async function foreignToken(server: TestServer): Promise<string> {
  await server.client.post("/api/v1/projects", { name: "other" }, Project);
  const scopes = ["registry:pull", "registry:push", "registry:delete", "scan:read", "project:read"];
  const created = await server.client.post("/api/v1/projects/other/tokens", { name: "other", scopes }, CreatedToken);
  return created.token;
}

const REQUESTS: readonly [method: string, path: string][] = [
  ["GET", "default/a/manifests/v1"],
  ["HEAD", `default/a/manifests/${image.manifest.digest}`],
  ["PUT", "default/a/manifests/v2"],
  ["DELETE", "default/a/manifests/v1"],
  ["GET", `default/a/blobs/${blob.digest}`],
  ["HEAD", `default/a/blobs/${blob.digest}`],
  ["DELETE", `default/a/blobs/${blob.digest}`],
  ["POST", "default/a/blobs/uploads/"],
  ["GET", "default/a/tags/list"],
  ["GET", `default/a/referrers/${image.manifest.digest}`],
  ["GET", `/api/v1/projects/default/scans/${image.manifest.digest}`],
  ["GET", "/api/v1/projects/default/repositories"],
  ["GET", "/api/v1/projects/default/repositories/tags?repository=default/a"],
];

test("another project's token is refused everywhere, and nothing changes", async () => {
  await using server = await startTestServer();
  await pushImage(registryClient(server), "default/a", "v1", image);
  const send = rawRegistry(server, await foreignToken(server));
  for (const [method, path] of REQUESTS) {
    const response = await send(method, path);
    assert.ok([403, 404].includes(response.status), `${method} ${path} answered ${response.status}`);
    await response.body?.cancel();
  }
  assert.equal((await rawRegistry(server)("GET", "default/a/manifests/v1")).status, 200);
});

test("without a token nothing is told, and Basic is asked for", async () => {
  await using server = await startTestServer();
  for (const path of ["", "default/a/tags/list", "unknown/a/tags/list"]) {
    const response = await fetch(`${server.url}/v2/${path}`);
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Basic realm=/);
    assert.equal(await errorCode(response), "UNAUTHORIZED");
  }
});

test("blobs and manifests of another project cannot be mounted, named or seen, even by who knows their digests", async () => {
  await using server = await startTestServer();
  await pushImage(registryClient(server), "default/a", "v1", image);
  const token = await foreignToken(server);
  const client = registryClient(server, token);
  const send = rawRegistry(server, token);
  for (const from of ["default/a", "other/b"])
    assert.equal(await client.mountBlob("other/x", blob.digest, from), false);
  const anywhere = await send("POST", `other/x/blobs/uploads/?mount=${blob.digest}`);
  assert.equal(anywhere.status, 202);
  assert.equal(await client.blobSize("other/x", blob.digest), undefined);
  const manifest = await send("PUT", "other/x/manifests/v1", {
    body: image.manifest.bytes,
    headers: { "content-type": image.manifest.mediaType },
  });
  // A manifest may name what is not here; it opens nothing, and its scan looks at nothing.
  assert.equal(manifest.status, 201);
  assert.equal((await send("GET", `other/x/blobs/${blob.digest}`)).status, 404);
  const scanPath = `/api/v1/projects/other/scans/${image.manifest.digest}?waitSeconds=30`;
  const scan = await server.client.get(scanPath, ScanResult);
  assert.equal(scan.state, "failed");
  assert.match(scan.problem ?? "", /is not here/);
  assert.equal(scan.report, undefined);
  // Not even the owner, who may do both, moves bytes across.
  assert.equal(await registryClient(server).mountBlob("other/x", blob.digest, "default/a"), false);
});

test("a token without the scope is denied", async () => {
  await using server = await startTestServer();
  const created = await server.client.post(
    "/api/v1/projects/default/tokens",
    { name: "pull", scopes: ["registry:pull"] },
    CreatedToken,
  );
  await pushImage(registryClient(server), "default/a", "v1", image);
  const send = rawRegistry(server, created.token);
  assert.equal((await send("GET", "default/a/manifests/v1")).status, 200);
  for (const [method, path] of [
    ["POST", "default/a/blobs/uploads/"],
    ["DELETE", "default/a/manifests/v1"],
  ] as const) {
    const response = await send(method, path);
    assert.equal(response.status, 403);
    assert.equal(await errorCode(response), "DENIED");
  }
});

test("a device pulls what its target names, in its own project, and nothing else", async () => {
  await using server = await startTestServer();
  const { access } = server.context;
  const devicePulls = {
    mayPull: async (_device: string, _project: string, repository: string) => repository === "default/web",
  };
  const device = { kind: "device", deviceId: "d1", project: "default" } as const;
  const ports = { access, devicePulls };
  await admit(ports, device, "registry:pull", "default/web");
  const refused = [
    ["registry:pull", "default/other"],
    ["registry:push", "default/web"],
    ["registry:delete", "default/web"],
  ] as const;
  for (const [permission, repository] of refused)
    await assert.rejects(admit(ports, device, permission, repository), { code: "forbidden" });
  const foreign = { ...device, project: "elsewhere" };
  await assert.rejects(admit(ports, foreign, "registry:pull", "default/web"), { code: "forbidden" });
});
