import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isCoded } from "@flotilla/base/errors";
import { Assignment } from "@flotilla/protocol/api/rollouts";
import { Variable } from "@flotilla/protocol/api/variables";
import { Type } from "typebox";
import { createDevicePulls } from "../devices/pulls.ts";
import { enrolFakeDevice, type FakeConnection } from "../gateway/device.fake.ts";
import { addRelease } from "../rollouts/release.fixture.ts";
import { hashVariables } from "../targets/compose-target.ts";
import { startTestServer, type TestServer } from "../testing.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const PATH = "/api/v1/projects/default";
const SECRET = "correct-horse-battery-staple";

function set(name: string, body: object): Promise<Variable> {
  return server.client.put(`${PATH}/variables/${name}`, body, Variable);
}

async function webOf(connection: FakeConnection) {
  return (await connection.target()).apps.web;
}

test("a device gets its variables, and each change at once", async () => {
  const release = await addRelease(server, {
    number: 1,
    variables: { URL: {}, MODE: { default: "plain" }, PASSWORD: {} },
  });
  await set("URL", { scope: { kind: "project" }, value: "http://project" });
  await set("PASSWORD", { scope: { kind: "project" }, value: SECRET, secret: true });
  await set("UNASKED", { scope: { kind: "project" }, value: "x" });
  const device = await enrolFakeDevice(server, { labels: { site: "oslo" } });
  await server.client.put(`${PATH}/assignments`, { app: "web", release: "r1", selector: "site=oslo" }, Assignment);
  const connection = await device.connect();
  const web = await webOf(connection);
  const variables = { URL: "http://project", MODE: "plain", PASSWORD: SECRET };
  assert.deepEqual(web, { release, repository: "default/web", variables, variablesHash: hashVariables(variables) });
  await set("URL", { scope: { kind: "group", selector: " site = oslo " }, value: "http://oslo" });
  assert.equal((await webOf(connection))?.variables.URL, "http://oslo");
  await set("URL", { scope: { kind: "device", device: device.name }, value: "http://own" });
  assert.equal((await webOf(connection))?.variables.URL, "http://own");
  await server.client.delete(`${PATH}/variables/URL`, { query: { scope: "device", device: device.id } });
  assert.equal((await webOf(connection))?.variables.URL, "http://oslo");
  await set("UNASKED", { scope: { kind: "project" }, value: "y" });
  await set("MODE", { scope: { kind: "group", selector: "site=bergen" }, value: "z" });
  await connection.report({});
  assert.ok(
    !connection.messages.slice(-1).some(({ type }) => type === "target"),
    "what does not concern it, it is not told",
  );
});

test("a secret is never shown, in answers, events, or the database", async () => {
  const listed = await Array.fromAsync(server.client.items(`${PATH}/variables`, Variable));
  const secret = listed.find(({ name }) => name === "PASSWORD");
  assert.deepEqual([secret?.secret, secret?.value], [true, undefined]);
  const events = await server.context.events.after(0, { limit: 500 });
  assert.ok(events.some(({ action }) => action === "variable.set"));
  assert.ok(!JSON.stringify(events).includes(SECRET));
  await server.context.database.write(async () => undefined);
  for (const file of await readdir(server.dataDir)) {
    if (!file.startsWith("flotilla.db")) continue;
    const bytes = await readFile(join(server.dataDir, file));
    assert.ok(!bytes.includes(SECRET), `${file} holds the secret`);
  }
  for (const file of await readdir(join(server.dataDir, "keys")))
    assert.equal((await stat(join(server.dataDir, "keys", file))).mode & 0o777, 0o600, file);
});

test("variables are listed page by page, and what is not there is not found", async () => {
  const names = (
    await Array.fromAsync(server.client.items(`${PATH}/variables`, Variable, { query: { limit: 1 } }))
  ).map(({ name, scope }) => `${name} ${scope.kind}`);
  assert.deepEqual(names, ["MODE group", "PASSWORD project", "UNASKED project", "URL group", "URL project"]);
  const remove = server.client.delete(`${PATH}/variables/NOTHING`, { query: { scope: "project" } });
  await assert.rejects(remove, (error) => isCoded(error, "not-found"));
  const unscoped = server.client.delete(`${PATH}/variables/URL`, { query: { scope: "group" } });
  await assert.rejects(unscoped, (error) => isCoded(error, "invalid-request"));
  const elsewhere = server.client.put(
    `${PATH}/variables/X`,
    { scope: { kind: "device", device: "nobody" }, value: "" },
    Type.Unknown(),
  );
  await assert.rejects(elsewhere, (error) => isCoded(error, "not-found"));
});

test("a device may pull what its target names, and nothing else", async () => {
  const device = await enrolFakeDevice(server, { labels: { site: "oslo" } });
  const pulls = createDevicePulls(server.context.database.read);
  assert.equal(await pulls.mayPull(device.id, "default", "default/web"), false, "before it has a target");
  const connection = await device.connect();
  await connection.target();
  const cases = [
    ["default", "default/web", true],
    ["default", "default/web-image", true],
    ["default", "default/other", false],
    ["elsewhere", "default/web", false],
  ] as const;
  for (const [project, repository, expected] of cases)
    assert.equal(await pulls.mayPull(device.id, project, repository), expected, `${project} ${repository}`);
  await server.client.post(`${PATH}/devices/${device.id}/revoke`, undefined, Type.Unknown());
  assert.equal(await pulls.mayPull(device.id, "default", "default/web"), false, "once it is revoked");
});
