import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createRegistryClient, type RegistryClientOptions } from "../client.ts";
import { sha256 } from "../hash.ts";
import { parseChallenges } from "../http/auth.ts";
import { MAX_MANIFEST_BYTES } from "../manifest.ts";
import { MEDIA_TYPES } from "../media-types.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Peer extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
  readonly seen: string[];
}

/** A server that answers as it is told and writes down `METHOD path authorization`. */
async function startPeer(handler: Handler): Promise<Peer> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? "-"}`);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    server,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function clientOf(peer: Peer, options: Partial<RegistryClientOptions> = {}) {
  return createRegistryClient({ baseUrl: peer.url, ...options });
}

const content = Buffer.from("0123456789".repeat(10_000));
const digest = sha256(content);
const basic = { kind: "basic", username: "me", password: "secret" } as const;

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

test("a token is fetched once for a scope and used from then on", async () => {
  await using peer = await startPeer((request, response) => {
    if (request.url?.startsWith("/token")) return response.end(JSON.stringify({ token: "t0k" }));
    if (request.headers.authorization === "Bearer t0k") return response.end(content);
    const realm = `Bearer realm="${peer.url}/token",service="a, b",scope="repository:x/y:pull"`;
    response.writeHead(401, { "www-authenticate": realm }).end();
  });
  const client = clientOf(peer, { credentials: basic });
  assert.ok((await readAll(client.readBlob("x/y", { digest }))).equals(content));
  assert.ok((await readAll(client.readBlob("x/y", { digest }))).equals(content));
  const path = `/v2/x/y/blobs/${digest}`;
  assert.deepEqual(peer.seen, [
    `GET ${path} -`,
    `GET /token?service=a%2C+b&scope=repository%3Ax%2Fy%3Apull Basic ${Buffer.from("me:secret").toString("base64")}`,
    `GET ${path} Bearer t0k`,
    `GET ${path} Bearer t0k`,
  ]);
});

test("Basic is shown when it is asked for; a token of ours at once", async () => {
  await using peer = await startPeer((request, response) => {
    if (request.headers.authorization !== undefined) response.end(content);
    else response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
  });
  await readAll(clientOf(peer, { credentials: basic }).readBlob("x/y", { digest }));
  await readAll(clientOf(peer, { credentials: { kind: "bearer", token: "mine" } }).readBlob("x/y", { digest }));
  assert.deepEqual(
    peer.seen.map((line) => line.split(" ").slice(2).join(" ")),
    ["-", `Basic ${Buffer.from("me:secret").toString("base64")}`, "Bearer mine"],
  );
});

test("credentials that are refused are an error that does not tell them", async () => {
  await using peer = await startPeer((_request, response) => {
    response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
  });
  const reading = clientOf(peer, { credentials: basic }).getManifest("x/y", "v1");
  await assert.rejects(reading, (error: Error & { code: string }) => {
    assert.equal(error.code, "registry-unauthorized");
    assert.match(error.message, /UNAUTHORIZED/);
    assert.doesNotMatch(JSON.stringify(error) + error.stack, /secret/);
    return true;
  });
});

test("a redirect is followed without the credentials", async () => {
  await using store = await startPeer((_request, response) => response.end(content));
  await using peer = await startPeer((_request, response) =>
    response.writeHead(307, { location: `${store.url}/elsewhere` }).end(),
  );
  const client = clientOf(peer, { credentials: { kind: "bearer", token: "mine" } });
  assert.ok((await readAll(client.readBlob("x/y", { digest, size: content.length }))).equals(content));
  assert.deepEqual(store.seen, ["GET /elsewhere -"]);
});

test("redirects in a ring end", async () => {
  await using peer = await startPeer((request, response) => response.writeHead(302, { location: request.url }).end());
  await assert.rejects(readAll(clientOf(peer).readBlob("x/y", { digest })), { code: "registry-failed" });
});

for (const ranges of [true, false])
  test(`a blob goes on after its connection broke, ${ranges ? "by range" : "from the start where there are no ranges"}`, async () => {
    let broken = 0;
    await using peer = await startPeer((request, response) => {
      const from = ranges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
      const rest = content.subarray(from);
      const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
      response.writeHead(from > 0 ? 206 : 200, { "content-length": rest.length, ...(from > 0 ? range : {}) });
      if (++broken > 2) return response.end(rest);
      response.write(rest.subarray(0, 40_000), () => response.destroy());
    });
    assert.ok((await readAll(clientOf(peer).readBlob("x/y", { digest, size: content.length }))).equals(content));
    assert.equal(peer.seen.length, 3);
  });

const WRONG: readonly [what: string, body: Buffer, size: number | undefined][] = [
  ["other bytes", Buffer.from(content).fill("x", 500, 501), undefined],
  ["too many bytes", Buffer.concat([content, content]), content.length],
  ["other bytes of the right number", Buffer.from(content).fill("x", 0, 1), content.length],
];
for (const [what, body, size] of WRONG)
  test(`${what} are no blob`, async () => {
    await using peer = await startPeer((_request, response) => response.end(body));
    const blob = { digest, ...(size === undefined ? {} : { size }) };
    await assert.rejects(readAll(clientOf(peer).readBlob("x/y", blob)), { code: "digest-mismatch" });
  });

test("a manifest is bounded and is what its digest says", async () => {
  const manifest = JSON.stringify({ schemaVersion: 2, manifests: [] });
  const answers = [manifest, manifest, Buffer.alloc(MAX_MANIFEST_BYTES + 1, " "), "{}"];
  await using peer = await startPeer((_request, response) => {
    response.setHeader("content-type", MEDIA_TYPES.ociIndex);
    response.end(answers.shift());
  });
  const client = clientOf(peer);
  assert.equal((await client.getManifest("x/y", sha256(manifest))).digest, sha256(manifest));
  await assert.rejects(client.getManifest("x/y", sha256("other")), { code: "digest-mismatch" });
  await assert.rejects(client.getManifest("x/y", "v1"), { code: "registry-failed" });
  await assert.rejects(client.getManifest("x/y", "v1"), { code: "manifest-invalid" });
});

const STATUSES: readonly [status: number, code: string][] = [
  [403, "registry-denied"],
  [404, "registry-not-found"],
  [429, "registry-busy"],
  [500, "registry-busy"],
  [418, "registry-failed"],
];
for (const [status, code] of STATUSES)
  test(`status ${status} is ${code}, with what the registry says`, async () => {
    await using peer = await startPeer((_request, response) => {
      response.writeHead(status).end(JSON.stringify({ errors: [{ code: "WHY", message: "because" }] }));
    });
    await assert.rejects(clientOf(peer).getManifest("x/y", "v1"), { code, message: /WHY because/ });
  });

test("a registry that is not there is told by its address", async () => {
  const peer = await startPeer(() => {});
  await peer[Symbol.asyncDispose]();
  const host = new URL(peer.url).host;
  await assert.rejects(clientOf(peer).getManifest("x/y", "v1"), {
    code: "registry-unreachable",
    message: RegExp(host),
  });
});

test("reading ends with its signal", async () => {
  await using peer = await startPeer((_request, response) => response.write("0"));
  const controller = new AbortController();
  const reading = clientOf(peer).readBlob("x/y", { digest }, controller.signal);
  const first = await reading[Symbol.asyncIterator]().next();
  assert.equal(first.done, false);
  controller.abort(new Error("enough"));
  await assert.rejects(readAll(reading));
});

test("a proxy is used for what is not excluded, with its own credentials", async () => {
  await using proxy = await startPeer((request, response) => {
    assert.equal(request.headers["proxy-authorization"], `Basic ${Buffer.from("p:q").toString("base64")}`);
    response.end(content);
  });
  const http = proxy.url.replace("://", "://p:q@");
  const client = createRegistryClient({ baseUrl: "http://registry.example", proxy: { http } });
  assert.ok((await readAll(client.readBlob("x/y", { digest }))).equals(content));
  assert.deepEqual(proxy.seen, [`GET http://registry.example/v2/x/y/blobs/${digest} -`]);
});

test("challenges are told apart", () => {
  assert.deepEqual(parseChallenges('Basic realm="a \\"b\\"", Bearer realm="https://x/t",service=s , error="e"'), [
    { scheme: "basic", parameters: { realm: 'a "b"' } },
    { scheme: "bearer", parameters: { realm: "https://x/t", service: "s", error: "e" } },
  ]);
});
