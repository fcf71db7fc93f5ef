import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlainServer, type Server } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createRegistryClient } from "../client.ts";
import { sha256 } from "../hash.ts";
import { proxyFor, proxySettingsOf } from "./proxy.ts";

const content = Buffer.from("over tls");
const blob = { digest: sha256(content), size: content.length };
let ca = "";
let server: Server;
let url = "";

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-tls-"));
  const names = "subjectAltName=DNS:registry.example,IP:127.0.0.1";
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"].concat([
      "-subj",
      "/CN=test",
      "-addext",
      names,
      "-keyout",
      join(folder, "key"),
      "-out",
      join(folder, "cert"),
    ]),
    { stdio: "ignore" },
  );
  ca = readFileSync(join(folder, "cert"), "utf8");
  server = createServer({ key: readFileSync(join(folder, "key")), cert: ca }, (_request, response) =>
    response.end(content),
  );
  rmSync(folder, { recursive: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test("a certificate of an authority that is given is trusted, and no other", async () => {
  const trusting = createRegistryClient({ baseUrl: url, ca });
  assert.equal(Buffer.concat(await Array.fromAsync(trusting.readBlob("x/y", blob))).toString(), "over tls");
  const strict = createRegistryClient({ baseUrl: url });
  await assert.rejects(strict.getManifest("x/y", "v1"), { code: "registry-unreachable" });
});

test("TLS goes through a proxy's tunnel, end to end", async () => {
  const tunnels: string[] = [];
  const proxy = createPlainServer();
  proxy.on("connect", (request, socket) => {
    tunnels.push(`${request.url} ${request.headers["proxy-authorization"]}`);
    const onward = connect((server.address() as AddressInfo).port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    const address = `http://p:q@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const client = createRegistryClient({ baseUrl: "https://registry.example", ca, proxy: { https: address } });
    assert.equal(Buffer.concat(await Array.fromAsync(client.readBlob("x/y", blob))).toString(), "over tls");
    assert.deepEqual(tunnels, [`registry.example:443 Basic ${Buffer.from("p:q").toString("base64")}`]);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

const ENVIRONMENT = {
  HTTPS_PROXY: "http://p:1",
  http_proxy: "q:2",
  NO_PROXY: "internal.example, .local.example,other:8443",
};
const ROUTES: readonly [target: string, proxy: string | undefined][] = [
  ["https://registry.example/", "http://p:1"],
  ["http://registry.example/", "http://q:2"],
  ["https://internal.example/", undefined],
  ["https://a.internal.example/", undefined],
  ["https://b.local.example/", undefined],
  ["https://notinternal.example/", "http://p:1"],
  ["https://other:8443/", undefined],
  ["https://other/", "http://p:1"],
  ["http://localhost:5000/", undefined],
  ["http://127.0.0.2/", undefined],
];
for (const [target, proxy] of ROUTES)
  test(`the way to ${target} is ${proxy ?? "direct"}`, () => {
    const found = proxyFor(new URL(target), proxySettingsOf(ENVIRONMENT));
    assert.equal(found?.origin, proxy);
  });
