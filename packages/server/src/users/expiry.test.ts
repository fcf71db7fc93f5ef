import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import { CreatedToken, Invitation, Me, Member, OneTimeCode, Project } from "@flotilla/protocol/api/users";
import { NoContent } from "@flotilla/protocol/client";
import { startTestServer, type TestServer } from "../testing.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function signIn(server: TestServer, code: string): Promise<Response> {
  return fetch(`${server.url}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
}

test("a token ends on its day", async () => {
  const clock = new FakeClock();
  await using server = await startTestServer({ clock });
  const body = { name: "t", scopes: ["project:read"], expiresInDays: 2 };
  const { token, expiresAt } = await server.client.post("/api/v1/projects/default/tokens", body, CreatedToken);
  assert.equal(Date.parse(expiresAt) - clock.now(), 2 * DAY_MS);
  const client = server.clientWith(token);
  clock.jump(2 * DAY_MS - 1);
  await client.get("/api/v1/projects/default", Project);
  clock.jump(1);
  await assert.rejects(client.get("/api/v1/projects/default", Project), {
    code: "unauthenticated",
    message: /expired/,
  });
});

test("a sign-in code lasts a quarter of an hour, and a session two weeks", async () => {
  const clock = new FakeClock();
  await using server = await startTestServer({ clock });
  const codes: string[] = [];
  for (let count = 0; count < 2; count++)
    codes.push((await server.client.post("/api/v1/session/code", {}, OneTimeCode)).code);
  const session = await signIn(server, codes[0]!);
  const cookie = (session.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  clock.jump(15 * 60_000);
  assert.equal((await signIn(server, codes[1]!)).status, 401);
  const me = () => fetch(`${server.url}/api/v1/me`, { headers: { cookie } });
  clock.jump(14 * DAY_MS - 16 * 60_000);
  assert.equal((await me()).status, 200);
  clock.jump(60_000);
  assert.equal((await me()).status, 401);
});

test("an invitation is for setting a password, not for signing in or for the command line", async () => {
  await using server = await startTestServer();
  const invite = { email: "a@example.com", project: "default", role: "auditor" };
  const { invitation } = await server.client.post("/api/v1/users", invite, Invitation);
  const { code } = invitation!;
  assert.equal((await signIn(server, code)).status, 401);
  const exchange = server.clientWith(undefined).post("/api/v1/session/exchange", { code }, CreatedToken);
  await assert.rejects(exchange, { code: "code-invalid" });
});

test("what a person may do ends with their role, and their tokens with it", async () => {
  await using server = await startTestServer();
  const invite = { email: "dev@example.com", project: "default", role: "developer" };
  const { user, invitation } = await server.client.post("/api/v1/users", invite, Invitation);
  const setup = await fetch(`${server.url}/api/v1/setup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: invitation!.code, password: "correct horse battery" }),
  });
  const cookie = (setup.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const create = await fetch(`${server.url}/api/v1/projects/default/tokens`, {
    method: "POST",
    headers: { cookie, origin: server.url, "content-type": "application/json" },
    body: JSON.stringify({ name: "ci", scopes: ["registry:push", "project:read"] }),
  });
  const { token } = (await create.json()) as CreatedToken;
  const client = server.clientWith(token);
  const held = async () => (await client.get("/api/v1/me", Me)).projects[0]?.permissions;
  assert.deepEqual(await held(), ["project:read", "registry:push"]);
  const member = `/api/v1/projects/default/members/${user.id}`;
  await server.client.put(member, { role: "auditor" }, Member);
  assert.deepEqual(await held(), ["project:read"]);
  await server.client.delete(member);
  assert.deepEqual(await held(), undefined);
  await assert.rejects(client.get("/api/v1/projects/default", Project), { code: /not-found|forbidden/ });
  await assert.rejects(server.client.put(`${member}x`, { role: "auditor" }, NoContent), { code: "not-found" });
});
