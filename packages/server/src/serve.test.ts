import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { createJsonLog, silentLog } from "@flotilla/base/log";
import { Readiness, type ServerInfo } from "@flotilla/protocol/api/core";
import { Me } from "@flotilla/protocol/api/users";
import { createApiClient } from "@flotilla/protocol/client";
import { DEFAULT_SETTINGS, type Settings } from "./config.ts";
import { type RunningServer, startServer } from "./serve.ts";

const PASSWORD = "correct horse battery";

function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "flotilla-serve-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function start(dataDir: string, settings: Partial<Settings> = {}, log = silentLog): Promise<RunningServer> {
  const listen = { host: "127.0.0.1", port: 0 };
  return startServer({ settings: { ...DEFAULT_SETTINGS, dataDir, listen, ...settings }, clock: systemClock, log });
}

test("the first start writes an owner's token for its reader only; later starts leave it", async () => {
  using folder = temporaryFolder();
  const ownerTokenFile = join(folder.path, "deep", "owner-token");
  const first = await start(join(folder.path, "data"), { ownerTokenFile });
  assert.equal(first.setupUrl, undefined);
  assert.equal(statSync(ownerTokenFile).mode & 0o777, 0o600);
  const token = readFileSync(ownerTokenFile, "utf8").trim();
  await first.stop();
  const second = await start(join(folder.path, "data"), { ownerTokenFile });
  assert.equal(readFileSync(ownerTokenFile, "utf8").trim(), token);
  const me = await createApiClient({ baseUrl: second.url, token }).get("/api/v1/me", Me);
  assert.equal(me.serverRole, "owner");
  await second.stop();
});

test("without one, a link makes the first owner, once; a new start voids the link before", async () => {
  using folder = temporaryFolder();
  const first = await start(folder.path);
  const oldCode = codeOf(first);
  await first.stop();
  const server = await start(folder.path);
  const finish = (code: string, email: string) =>
    fetch(`${server.url}/api/v1/setup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code, email, password: PASSWORD }),
    });
  assert.equal((await finish(oldCode, "thief@example.com")).status, 401);
  assert.equal((await finish(codeOf(server), "Ada@Example.com")).status, 201);
  assert.equal((await finish(codeOf(server), "eve@example.com")).status, 401);
  const signIn = await fetch(`${server.url}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "ada@example.com", password: PASSWORD }),
  });
  const cookie = (signIn.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const me = (await (await fetch(`${server.url}/api/v1/me`, { headers: { cookie } })).json()) as Me;
  assert.equal(me.serverRole, "owner");
  await server.stop();
  const again = await start(folder.path);
  assert.equal(again.setupUrl, undefined);
  await again.stop();
});

test("a link of a start without an owner is void once there is one", async () => {
  using folder = temporaryFolder();
  const first = await start(folder.path);
  const code = codeOf(first);
  await first.stop();
  const server = await start(folder.path, { ownerTokenFile: join(folder.path, "owner-token") });
  const response = await fetch(`${server.url}/api/v1/setup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code, email: "thief@example.com", password: PASSWORD }),
  });
  assert.equal(response.status, 401);
  await server.stop();
});

test("a second server on the same data is refused, and the first goes on", async () => {
  using folder = temporaryFolder();
  const server = await start(folder.path);
  await assert.rejects(start(folder.path), { code: "data-dir-in-use" });
  const client = createApiClient({ baseUrl: server.url });
  assert.equal((await client.get("/readyz", Readiness)).status, "ready");
  await server.stop();
});

test("a start that fails leaves nothing behind: the next one works", async () => {
  using folder = temporaryFolder();
  const server = await start(folder.path);
  const port = Number(new URL(server.url).port);
  using other = temporaryFolder();
  await assert.rejects(start(other.path, { listen: { host: "127.0.0.1", port } }), /EADDRINUSE/);
  await (await start(other.path)).stop();
  await server.stop();
});

test("with an authority of its own it speaks TLS that only its certificate authority vouches for", async () => {
  using folder = temporaryFolder();
  const server = await start(folder.path, { tls: { kind: "own-authority" } });
  assert.match(server.url, /^https:/);
  const { caPem, caFingerprint } = server.context.tls!;
  const info = JSON.parse(await get(`${server.url}/api/v1/server`, caPem!)) as ServerInfo;
  assert.equal(info.caFingerprint, caFingerprint);
  assert.equal(await get(`${server.url}/api/v1/server/ca.pem`, caPem!), caPem);
  await assert.rejects(get(`${server.url}/api/v1/server`, undefined), /certificate/);
  await server.stop();
});

test("no secret is in the log, even at its most talkative", async () => {
  using folder = temporaryFolder();
  const lines: string[] = [];
  const log = createJsonLog((line) => lines.push(line), systemClock.now, "debug");
  const ownerTokenFile = join(folder.path, "owner-token");
  const server = await start(folder.path, { ownerTokenFile }, log);
  const token = readFileSync(ownerTokenFile, "utf8").trim();
  await fetch(`${server.url}/sign-in?code=very-secret-code`);
  await fetch(`${server.url}/no/such/path?token=${token}`, { headers: { authorization: `Bearer ${token}` } });
  await fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  await fetch(`${server.url}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "owner@localhost", password: "secret-password" }),
  });
  await server.stop();
  assert.ok(lines.length >= 4);
  for (const secret of [token, "very-secret-code", "secret-password"])
    assert.ok(!lines.join("\n").includes(secret), secret);
});

test("the database and its copies are for their owner only", async () => {
  using folder = temporaryFolder();
  const server = await start(folder.path);
  for (const name of ["flotilla.db", "flotilla.db-wal", "keys/server.key"])
    assert.equal(statSync(join(folder.path, name)).mode & 0o077, 0, name);
  await server.stop();
});

function codeOf(server: RunningServer): string {
  return new URL(server.setupUrl!).searchParams.get("code")!;
}

function get(url: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ...(ca === undefined ? {} : { ca }), agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    })
      .on("error", reject)
      .end();
  });
}
