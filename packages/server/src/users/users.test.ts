import assert from "node:assert/strict";
import { test } from "node:test";
import { Page } from "@flotilla/protocol/api/paging";
import { ApiToken, CreatedToken, Invitation, Me, Member, OneTimeCode, Project } from "@flotilla/protocol/api/users";
import { NoContent } from "@flotilla/protocol/client";
import { startTestServer, type TestServer } from "../testing.ts";
import { formatApiToken, newSecret } from "./secrets.ts";

const PASSWORD = "correct horse battery";

async function makeToken(server: TestServer, project: string, scopes: readonly string[]): Promise<CreatedToken> {
  return server.client.post(`/api/v1/projects/${project}/tokens`, { name: "t", scopes }, CreatedToken);
}

async function makeProject(server: TestServer, name: string): Promise<Project> {
  return server.client.post("/api/v1/projects", { name }, Project);
}

test("a token does what its scopes say, in its project, until it is revoked", async () => {
  await using server = await startTestServer();
  await makeProject(server, "other");
  const created = await makeToken(server, "default", ["project:read", "token:manage"]);
  const client = server.clientWith(created.token);
  assert.equal((await client.get("/api/v1/projects/default", Project)).name, "default");
  await assert.rejects(client.get("/api/v1/projects/other", Project), { code: "not-found" });
  await assert.rejects(client.get("/api/v1/projects/none", Project), { code: "not-found" });
  await assert.rejects(client.put("/api/v1/projects/default/members/x", { role: "owner" }, NoContent), {
    code: "forbidden",
  });
  await client.delete(`/api/v1/projects/default/tokens/${created.id}`);
  await assert.rejects(client.get("/api/v1/projects/default", Project), { code: "unauthenticated" });
});

test("a token cannot make one that may do more", async () => {
  await using server = await startTestServer();
  const { token } = await makeToken(server, "default", ["token:manage", "device:read"]);
  const client = server.clientWith(token);
  const make = (scopes: readonly string[]) =>
    client.post("/api/v1/projects/default/tokens", { name: "t", scopes }, CreatedToken);
  await assert.rejects(make(["device:manage"]), { code: "role-exceeded" });
  await assert.rejects(make(["no:such"]), { code: "invalid-request" });
  assert.deepEqual((await make(["device:read"])).scopes, ["device:read"]);
  await assert.rejects(client.post("/api/v1/session/code", {}, OneTimeCode), { code: "role-exceeded" });
});

test("the id of a token or of a session without its secret is nothing", async () => {
  await using server = await startTestServer();
  const { id } = await makeToken(server, "default", ["project:read"]);
  const guessed = server.clientWith(formatApiToken(id, newSecret()));
  await assert.rejects(guessed.get("/api/v1/me", Me), { code: "unauthenticated", message: /not known/ });
  const { code } = await server.client.post("/api/v1/session/code", {}, OneTimeCode);
  const cookie = await cookieOf(await post(server, "/api/v1/session", JSON.stringify({ code })));
  const ask = (value: string) => fetch(`${server.url}/api/v1/me`, { headers: { cookie: value } });
  assert.equal((await ask(cookie)).status, 200);
  assert.equal((await ask(cookie.replace(/\.[0-9A-Za-z]+$/, `.${newSecret()}`))).status, 401);
});

test("secrets of tokens are in no list and not in the database", async () => {
  await using server = await startTestServer();
  const { token } = await makeToken(server, "default", ["project:read"]);
  const listed = await server.client.get("/api/v1/projects/default/tokens", Page(ApiToken));
  const stored = await server.context.database.read.selectFrom("api_tokens").selectAll().execute();
  const events = await server.context.events.after(0, { limit: 100 });
  const secret = token.split("_")[2]!.slice(0, 43);
  for (const text of [listed, stored, events].map((value) => JSON.stringify(value))) assert.ok(!text.includes(secret));
});

test("a one-time code becomes a token for the command line, once", async () => {
  await using server = await startTestServer();
  const { code, url } = await server.client.post("/api/v1/session/code", {}, OneTimeCode);
  assert.equal(url, `${server.url}/sign-in?code=${code}`);
  const nobody = server.clientWith(undefined);
  const { token } = await nobody.post("/api/v1/session/exchange", { code, name: "laptop" }, CreatedToken);
  const me = await server.clientWith(token).get("/api/v1/me", Me);
  assert.equal(me.name, "laptop");
  assert.equal(me.serverRole, "owner");
  await assert.rejects(nobody.post("/api/v1/session/exchange", { code }, CreatedToken), { code: "code-invalid" });
});

test("an invited person sets a password, signs in, and holds their role and no more", async () => {
  await using server = await startTestServer();
  const invite = { email: "Dev@Example.com", project: "default", role: "developer" };
  const { user, invitation } = await server.client.post("/api/v1/users", invite, Invitation);
  assert.equal(user.email, "dev@example.com");
  const body = JSON.stringify({ code: invitation!.code, password: PASSWORD });
  const cookie = await cookieOf(await post(server, "/api/v1/setup", body));
  const me = await fetch(`${server.url}/api/v1/me`, { headers: { cookie } });
  const { projects } = (await me.json()) as Me;
  assert.equal(projects[0]!.role, "developer");
  assert.ok(projects[0]!.permissions.includes("release:create"));
  assert.ok(!projects[0]!.permissions.includes("rollout:manage"));
  assert.equal((await post(server, "/api/v1/setup", body)).status, 401);
});

test("nobody gets a code for an account that is in use or another project's", async () => {
  await using server = await startTestServer();
  await makeProject(server, "other");
  const invite = (email: string, project: string) =>
    server.client.post("/api/v1/users", { email, project, role: "owner" }, Invitation);
  assert.equal((await invite("owner@localhost", "default")).invitation, undefined);
  assert.notEqual((await invite("new@example.com", "default")).invitation, undefined);
  assert.notEqual((await invite("new@example.com", "default")).invitation, undefined);
  await assert.rejects(invite("new@example.com", "other"), { code: "conflict" });
});

test("a session is a browser's: changes must come from the server's own pages", async () => {
  await using server = await startTestServer();
  const { code } = await server.client.post("/api/v1/session/code", {}, OneTimeCode);
  const signIn = await post(server, "/api/v1/session", JSON.stringify({ code }));
  const setCookie = signIn.headers.get("set-cookie") ?? "";
  assert.match(setCookie, /HttpOnly; SameSite=Strict/);
  const cookie = await cookieOf(signIn);
  const create = (origin: string | undefined) =>
    post(server, "/api/v1/projects", '{"name":"made"}', { cookie, ...(origin === undefined ? {} : { origin }) });
  for (const origin of [undefined, "https://evil.example", "null"]) {
    const refused = await create(origin);
    assert.equal(refused.status, 403);
    assert.equal(((await refused.json()) as { code: string }).code, "cross-site-request");
  }
  assert.equal((await create(server.url)).status, 201);
  const out = await fetch(`${server.url}/api/v1/session`, {
    method: "DELETE",
    headers: { cookie, origin: server.url },
  });
  assert.equal(out.status, 204);
  assert.equal((await fetch(`${server.url}/api/v1/me`, { headers: { cookie } })).status, 401);
});

test("guessing a password is bounded", async () => {
  await using server = await startTestServer();
  const body = JSON.stringify({ email: "owner@localhost", password: "wrong" });
  const statuses: number[] = [];
  for (let guess = 0; guess < 11; guess++) statuses.push((await post(server, "/api/v1/session", body)).status);
  assert.deepEqual(statuses, [...Array(10).fill(401), 429]);
});

test("a person lists and revokes their own tokens, those of the command line too, and nobody else's", async () => {
  await using server = await startTestServer();
  const login = async () => {
    const { code } = await server.client.post("/api/v1/session/code", {}, OneTimeCode);
    return server.clientWith(undefined).post("/api/v1/session/exchange", { code }, CreatedToken);
  };
  const lost = await login();
  const { items } = await server.client.get("/api/v1/me/tokens", Page(ApiToken));
  assert.deepEqual(
    items.map((token) => token.name),
    ["first owner", "command line"],
  );
  await server.client.delete(`/api/v1/me/tokens/${lost.id}`);
  await assert.rejects(server.clientWith(lost.token).get("/api/v1/me", Me), { code: "unauthenticated" });
  await assert.rejects(server.client.delete(`/api/v1/me/tokens/${lost.id}`), { code: "not-found" });
  const invite = { email: "dev@example.com", project: "default", role: "developer" };
  const { invitation } = await server.client.post("/api/v1/users", invite, Invitation);
  const cookie = await cookieOf(
    await post(server, "/api/v1/setup", JSON.stringify({ code: invitation!.code, password: PASSWORD })),
  );
  const foreign = await fetch(`${server.url}/api/v1/me/tokens/${items[0]!.id}`, {
    method: "DELETE",
    headers: { cookie, origin: server.url },
  });
  assert.equal(foreign.status, 404);
  await server.client.get("/api/v1/me", Me);
});

test("a new password needs the one before, and ends the other sessions", async () => {
  await using server = await startTestServer();
  const open = async () => {
    const { code } = await server.client.post("/api/v1/session/code", {}, OneTimeCode);
    return cookieOf(await post(server, "/api/v1/session", JSON.stringify({ code })));
  };
  const [cookie, other] = [await open(), await open()];
  const change = (body: object) =>
    fetch(`${server.url}/api/v1/me/password`, {
      method: "PUT",
      headers: { cookie, origin: server.url, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  assert.equal((await change({ password: PASSWORD })).status, 204);
  const alive = async (value: string) =>
    (await fetch(`${server.url}/api/v1/me`, { headers: { cookie: value } })).status;
  assert.deepEqual([await alive(cookie), await alive(other)], [200, 401]);
  assert.equal((await change({ password: "another password" })).status, 401);
  assert.equal((await change({ password: "another password", current: "wrong" })).status, 401);
  assert.equal((await change({ password: "another password", current: PASSWORD })).status, 204);
  const signIn = (password: string) =>
    post(server, "/api/v1/session", JSON.stringify({ email: "owner@localhost", password }));
  assert.deepEqual([(await signIn(PASSWORD)).status, (await signIn("another password")).status], [401, 200]);
});

test("a project keeps an owner", async () => {
  await using server = await startTestServer();
  await makeProject(server, "kept");
  const { items } = await server.client.get("/api/v1/projects/kept/members", Page(Member));
  await assert.rejects(server.client.delete(`/api/v1/projects/kept/members/${items[0]!.user}`), { code: "last-owner" });
});

test("every change of users and tokens is an event", async () => {
  await using server = await startTestServer();
  const { id } = await makeToken(server, "default", ["project:read"]);
  await server.client.delete(`/api/v1/projects/default/tokens/${id}`);
  const events = await server.context.events.after(0, { limit: 100 });
  assert.deepEqual(
    events.map((event) => event.action),
    ["project.created", "user.created", "token.created", "token.created", "token.revoked"],
  );
});

function post(server: TestServer, path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(server.url + path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

async function cookieOf(response: Response): Promise<string> {
  assert.ok(response.ok, `status ${response.status}: ${await response.clone().text()}`);
  return (response.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
}
