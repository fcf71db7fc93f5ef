import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Host } from "../ports.ts";
import { ensureDeviceKey, readDeviceKey } from "./device-key.ts";
import { openHost } from "./host.ts";

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("host", () => {
  let folder = "";
  let host: Host;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-host-"));
    host = await openHost({ folder });
  });
  after(() => rm(folder, { recursive: true }));

  it("tells what it is", async () => {
    const facts = await host.facts();
    assert.ok(facts.hostname.length > 0 && facts.os.length > 0 && facts.timeZone.length > 0);
    assert.ok(facts.diskBytes > 1e6);
    assert.match(host.bootId, /^[0-9a-f-]{36}$/);
    assert.ok((await host.availableMemoryBytes()) > 1e6);
    assert.equal((await (await openHost({ folder, timeZone: "Europe/Oslo" })).facts()).timeZone, "Europe/Oslo");
  });

  it("knows which ports are free", async () => {
    const server = createServer();
    const port = await listening(server);
    assert.equal(await host.portIsFree(port, "tcp"), false);
    assert.equal(await host.portIsFree(port, "tcp", "127.0.0.1"), false);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await host.portIsFree(port, "tcp"), true);
    const socket = createSocket("udp4");
    const udp = await new Promise<number>((resolve) =>
      socket.bind(0, "127.0.0.1", () => resolve(socket.address().port)),
    );
    assert.equal(await host.portIsFree(udp, "udp"), false);
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    assert.equal(await host.portIsFree(udp, "udp"), true);
  });

  it("probes by status and by connection", async () => {
    const web = createHttpServer((request, response) => response.writeHead(request.url === "/ok" ? 204 : 503).end());
    const at = { host: "127.0.0.1", port: await listening(web) };
    const signal = AbortSignal.timeout(5000);
    assert.equal(await host.probe({ kind: "http", ...at, path: "/ok" }, signal), 204);
    assert.equal(await host.probe({ kind: "http", ...at, path: "/" }, signal), 503);
    assert.equal(await host.probe({ kind: "tcp", ...at }, signal), 0);
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
    assert.equal(await host.probe({ kind: "http", ...at, path: "/ok" }, signal), undefined);
    assert.equal(await host.probe({ kind: "tcp", ...at }, signal), undefined);
  });

  it("ends a probe of a server that says nothing when told to", async () => {
    const mute = createServer(() => {});
    const at = { host: "127.0.0.1", port: await listening(mute) };
    await assert.rejects(host.probe({ kind: "http", ...at, path: "/" }, AbortSignal.timeout(100)), {
      name: "TimeoutError",
    });
    mute.close();
  });

  it("makes its key once, for its own eyes, and refuses one that others can read", async () => {
    const path = join(folder, "device.key");
    assert.equal(await readDeviceKey(path), undefined);
    const key = await ensureDeviceKey(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await ensureDeviceKey(path)).publicKey, key.publicKey);
    await chmod(path, 0o644);
    await assert.rejects(readDeviceKey(path), { code: "key-exposed" });
    await chmod(path, 0o600);
    await writeFile(path, "no key");
    await assert.rejects(readDeviceKey(path), { code: "key-damaged" });
  });
});
