import assert from "node:assert/strict";
import { test } from "node:test";
import { createDigester, sha256 } from "@flotilla/oci/hash";
import { startTestServer } from "../testing.ts";
import { errorCode, rawRegistry, registryClient } from "./testing.ts";

const content = Buffer.from("some bytes of a blob, some more bytes of a blob");
const digest = sha256(content);

async function read(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

for (const [name, chunkBytes] of [
  ["in one request", undefined],
  ["in chunks", 10],
] as const)
  test(`a blob is pushed ${name} and read back, whole and in part`, async () => {
    await using server = await startTestServer();
    const client = registryClient(server);
    await client.pushBlob("default/a/b", { digest, sizeBytes: content.length, content }, { chunkBytes });
    assert.equal(await client.blobSize("default/a/b", digest), content.length);
    assert.equal(await read(client.readBlob("default/a/b", { digest })), content.toString());
    const part = await client.openBlob("default/a/b", digest, { offset: 5, end: 10 });
    assert.equal(part.offset, 5);
    assert.equal(part.sizeBytes, content.length);
    assert.equal(await read(part.body), "bytes");
  });

test("a blob goes in with the POST itself", async () => {
  await using server = await startTestServer();
  const send = rawRegistry(server);
  const response = await send("POST", `default/a/blobs/uploads/?digest=${digest}`, { body: content });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("location"), `/v2/default/a/blobs/${digest}`);
  assert.equal((await send("GET", `default/a/blobs/${digest}`)).status, 200);
});

test("a blob of sha512 is kept under its own digest", async () => {
  await using server = await startTestServer();
  const digester = createDigester("sha512");
  digester.update(content);
  const sha512 = digester.digest();
  const client = registryClient(server);
  await client.pushBlob("default/a", { digest: sha512, sizeBytes: content.length, content });
  assert.equal(await read(client.readBlob("default/a", { digest: sha512 })), content.toString());
  assert.equal(await client.blobSize("default/a", digest), undefined);
});

test("bytes that are not what the digest says are refused and leave nothing", async () => {
  await using server = await startTestServer();
  const send = rawRegistry(server);
  const start = await send("POST", "default/a/blobs/uploads/");
  const location = start.headers.get("location") ?? "";
  const refused = await send("PUT", `${location}?digest=${sha256("others")}`, { body: content });
  assert.equal(refused.status, 400);
  assert.equal(await errorCode(refused), "DIGEST_INVALID");
  for (const other of [digest, sha256("others")])
    assert.equal((await send("HEAD", `default/a/blobs/${other}`)).status, 404);
  assert.equal((await send("GET", location)).status, 404);
});

test("a chunk that does not follow is refused with where to go on", async () => {
  await using server = await startTestServer();
  const send = rawRegistry(server);
  const location = (await send("POST", "default/a/blobs/uploads/")).headers.get("location") ?? "";
  const first = await send("PATCH", location, { body: content.subarray(0, 9), headers: { "content-range": "0-8" } });
  assert.equal(first.status, 202);
  assert.equal(first.headers.get("range"), "0-8");
  for (const range of ["0-8", "20-28", "nonsense"]) {
    const refused = await send("PATCH", location, {
      body: content.subarray(9, 18),
      headers: { "content-range": range },
    });
    assert.equal(refused.status, 416, range);
    assert.equal(refused.headers.get("range"), "0-8");
  }
  const status = await send("GET", location);
  assert.equal(status.status, 204);
  assert.equal(status.headers.get("range"), "0-8");
  const rest = `9-${content.length - 1}`;
  const end = await send("PUT", `${location}?digest=${digest}`, {
    body: content.subarray(9),
    headers: { "content-range": rest },
  });
  assert.equal(end.status, 201);
  assert.equal(end.headers.get("docker-content-digest"), digest);
});

test("an upload goes on after its connection broke", async () => {
  await using server = await startTestServer();
  const send = rawRegistry(server);
  const location = (await send("POST", "default/a/blobs/uploads/")).headers.get("location") ?? "";
  const broken = new AbortController();
  const { promise: half, resolve: halfIsSent } = Promise.withResolvers<void>();
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(content.subarray(0, 20));
      halfIsSent();
    },
  });
  const url = new URL(location, server.url);
  const headers = { authorization: `Bearer ${server.ownerToken}` };
  const sending = fetch(url, { method: "PATCH", headers, body, duplex: "half", signal: broken.signal } as RequestInit);
  await half;
  const arrived = async () => (await send("GET", location)).headers.get("range") === "0-19";
  while (!(await arrived())) await new Promise((resolve) => setImmediate(resolve));
  broken.abort();
  await assert.rejects(sending);
  let end: Response;
  do
    end = await send("PUT", `${location}?digest=${digest}`, {
      body: content.subarray(20),
      headers: { "content-range": `20-${content.length - 1}` },
    });
  while (end.status === 409);
  assert.equal(end.status, 201);
});

test("a cancelled upload is gone, and so is another repository's", async () => {
  await using server = await startTestServer();
  const send = rawRegistry(server);
  const location = (await send("POST", "default/a/blobs/uploads/")).headers.get("location") ?? "";
  const elsewhere = location.replace("default/a", "default/b");
  assert.equal((await send("GET", elsewhere)).status, 404);
  assert.equal((await send("PUT", `${elsewhere}?digest=${digest}`, { body: content })).status, 404);
  assert.equal((await send("DELETE", location)).status, 204);
  const gone = await send("PATCH", location, { body: content });
  assert.equal(gone.status, 404);
  assert.equal(await errorCode(gone), "BLOB_UPLOAD_UNKNOWN");
});

test("a blob is mounted from another repository of the project without its bytes", async () => {
  await using server = await startTestServer();
  const client = registryClient(server);
  await client.pushBlob("default/a", { digest, sizeBytes: content.length, content });
  assert.equal(await client.blobSize("default/b", digest), undefined);
  assert.equal(await client.mountBlob("default/b", digest, "default/a"), true);
  assert.equal(await client.blobSize("default/b", digest), content.length);
  assert.equal(await client.mountBlob("default/b", sha256("unknown"), "default/a"), false);
});

const NAMES: readonly [path: string, status: number, code: string][] = [
  ["Default/A/blobs/uploads/", 400, "NAME_INVALID"],
  ["default/blobs/uploads/", 400, "NAME_INVALID"],
  ["default/a..b/blobs/uploads/", 400, "NAME_INVALID"],
  ["unknown/a/blobs/uploads/", 404, "NAME_UNKNOWN"],
  ["default/a/blobs/uploads/?digest=md5:0", 400, "DIGEST_INVALID"],
];
for (const [path, status, code] of NAMES)
  test(`POST ${path} is ${code}`, async () => {
    await using server = await startTestServer();
    const response = await rawRegistry(server)("POST", path);
    assert.equal(response.status, status);
    assert.equal(await errorCode(response), code);
  });
