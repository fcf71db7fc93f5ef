import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { after, before, test } from "node:test";
import { Device } from "@flotilla/protocol/api/devices";
import { CLOSE_CODES, GATEWAY_PATH, helloBytes } from "@flotilla/protocol/device";
import { WebSocket } from "ws";
import { addRelease, eventually } from "../rollouts/release.fixture.ts";
import { startTestServer, type TestServer } from "../testing.ts";
import { enrolFakeDevice, FACTS, type FakeDevice, stateAfter } from "./device.fake.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const RELEASE = `sha256:${"a".repeat(64)}`;
const HASH = `sha256:${"b".repeat(64)}`;
const PATH = "/api/v1/projects/default/devices";

async function get(device: FakeDevice) {
  return server.client.get(`${PATH}/${device.id}`, Device);
}

async function eventsOf(device: FakeDevice): Promise<string[]> {
  const events = await server.context.events.after(0, { subject: `device/${device.id}`, limit: 100 });
  return events.map(({ action }) => action);
}

test("a device that proves itself is welcomed and seen online, then offline", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  assert.deepEqual(
    connection.messages.map(({ type }) => type),
    ["challenge", "welcome"],
  );
  assert.equal((await get(device)).status, "online");
  await connection.close();
  await eventually(
    server,
    () => get(device),
    ({ status }) => status === "offline",
  );
  assert.deepEqual(await eventsOf(device), ["device.enrolled"], "being alive is no event");
});

test("another key, an unknown device, and an unknown protocol number are refused with their code", async () => {
  const device = await enrolFakeDevice(server);
  const { privateKey } = generateKeyPairSync("ed25519");
  const cases = [
    [device, { key: privateKey }, "proof-invalid", CLOSE_CODES.refused],
    [{ ...device, connect: device.connect }, { protocol: 999 }, "protocol-unsupported", CLOSE_CODES.protocol],
  ] as const;
  for (const [who, options, code, close] of cases) {
    const connection = await who.connect(options);
    assert.equal((await connection.next("refusal")).code, code);
    assert.deepEqual(await connection.closed, { code: close, reason: code });
  }
});

test("a hello with another connection's nonce is refused", async () => {
  const device = await enrolFakeDevice(server);
  const socket = new WebSocket(server.url.replace("http", "ws") + GATEWAY_PATH);
  const who = { protocol: 1, device: device.id, bootId: "b", instanceId: "i" };
  const signature = sign(null, helloBytes("x".repeat(43), who), device.key).toString("base64");
  socket.on("open", () =>
    socket.send(JSON.stringify({ type: "hello", ...who, deviceTime: "", targetVersion: 0, signature })),
  );
  const [code] = await new Promise<[number]>((resolve) => socket.on("close", (...args) => resolve([args[0]])));
  assert.equal(code, CLOSE_CODES.refused);
});

for (const [what, message] of [
  ["no JSON", "{"],
  ["no message of the protocol", JSON.stringify({ type: "report", seq: 0 })],
  ["a second hello", undefined],
] as const)
  test(`${what} is refused and ends the connection`, async () => {
    const device = await enrolFakeDevice(server);
    const connection = await device.connect();
    const hello = {
      type: "hello" as const,
      protocol: 1,
      device: device.id,
      bootId: "b",
      instanceId: "i",
      deviceTime: "",
      targetVersion: 0,
      signature: "",
    };
    connection.send(message ?? hello);
    assert.equal((await connection.next("refusal")).code, "protocol-error");
    assert.equal((await connection.closed).code, CLOSE_CODES.protocol);
  });

test("an unproven peer that sends much is cut off, even before its message is whole", async () => {
  const socket = new WebSocket(server.url.replace("http", "ws") + GATEWAY_PATH);
  socket.on("error", () => undefined);
  socket.on("open", () => socket.send("x".repeat(64 * 1024), { fin: false }));
  const code = await new Promise((resolve) => socket.on("close", resolve));
  assert.equal(code, 1006);
});

test("other paths do not upgrade", async () => {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/other`);
  const status = await new Promise((resolve) =>
    socket.on("unexpected-response", (_, response) => resolve(response.statusCode)),
  );
  assert.equal(status, 404);
  socket.on("error", () => undefined).terminate();
});

test("a plain request to the gateway is told to upgrade", async () => {
  const response = await fetch(server.url + GATEWAY_PATH);
  const { code } = (await response.json()) as { readonly code: string };
  assert.deepEqual([response.status, code], [426, "upgrade-required"]);
});

test("reports are stored as differences, acknowledged, and stale ones ignored", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect({ instanceId: "first" });
  const committed = stateAfter(
    "commit",
    { release: RELEASE, variablesHash: HASH },
    { release: RELEASE, variablesHash: HASH },
  );
  await connection.report({ web: committed, db: { phase: "downloading", containers: [] } }, { facts: FACTS });
  await connection.report({ db: null });
  let state = await get(device);
  assert.deepEqual(Object.keys(state.apps), ["web"]);
  assert.equal(state.apps.web?.verdict?.kind, "commit");
  assert.equal(state.facts?.architecture, "arm64");
  await connection.report({ web: { phase: "waiting", containers: [] } }, { seq: 1 });
  state = await get(device);
  assert.equal(state.apps.web?.phase, "idle", "a sequence number that was seen changes nothing");
  await connection.close();
  const again = await device.connect({ instanceId: "first" });
  assert.equal(again.messages.find((message) => message.type === "welcome")?.fullReport, false);
  const other = await device.connect({ instanceId: "second" });
  assert.equal(other.messages.find((message) => message.type === "welcome")?.fullReport, true);
  await other.report({});
  assert.deepEqual((await get(device)).apps, {}, "a full report replaces everything");
});

test("a difference to what is not stored is refused", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  const report = connection.report({}, { full: false });
  assert.equal((await connection.next("refusal")).code, "full-report-needed");
  await assert.rejects(report);
});

test("new verdicts become events, once", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  const wanted = { release: RELEASE, variablesHash: HASH };
  const rollback = stateAfter("rollback", wanted, undefined);
  await connection.report({ web: rollback });
  await connection.report({ web: { ...rollback, phase: "waiting" } });
  await connection.report({ web: stateAfter("refused", wanted, undefined) });
  await connection.report({ web: stateAfter("commit", wanted, wanted) });
  assert.deepEqual(await eventsOf(device), [
    "device.enrolled",
    "device.rolled-back",
    "device.refused",
    "device.committed",
  ]);
});

test("revoking disconnects at once, and the device is not let in again", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  connection.send({ type: "token-request" });
  const { token } = await connection.next("token");
  await server.client.post(`${PATH}/${device.id}/revoke`, undefined, Device);
  assert.equal((await connection.closed).code, CLOSE_CODES.revoked);
  const again = await device.connect();
  assert.equal((await again.next("refusal")).code, "device-revoked");
  const pull = await fetch(`${server.url}/v2/`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(pull.status, 401, "its registry tokens die with it");
  assert.equal((await get(device)).status, "revoked");
});

test("a second connection with the key takes over; taking turns is recorded as a copied key", async () => {
  const device = await enrolFakeDevice(server);
  const original = await device.connect({ instanceId: "original" });
  const restarted = await device.connect({ instanceId: "clone" });
  assert.equal((await original.next("refusal")).code, "replaced");
  assert.equal((await original.closed).code, CLOSE_CODES.replaced);
  assert.ok(!(await eventsOf(device)).includes("device.key-conflict"), "an agent may start again");
  await device.connect({ instanceId: "original" });
  assert.equal((await restarted.closed).code, CLOSE_CODES.replaced);
  await device.connect({ instanceId: "clone" });
  const events = await eventually(
    server,
    () => eventsOf(device),
    (actions) => actions.includes("device.key-conflict"),
  );
  assert.equal(events.filter((action) => action === "device.key-conflict").length, 1);
});

test("a device without a rollout can be told to try again only when it failed and is there", async () => {
  const device = await enrolFakeDevice(server);
  const retry = () => server.client.post(`${PATH}/${device.id}/apps/web/retry`, undefined, Device);
  await assert.rejects(retry, { code: "nothing-to-retry" });
  const connection = await device.connect();
  await connection.report({ web: stateAfter("rollback", { release: RELEASE, variablesHash: HASH }, undefined) });
  const response = await fetch(`${server.url}${PATH}/${device.id}/apps/web/retry`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.ownerToken}` },
  });
  assert.equal(response.status, 202);
  assert.deepEqual(await connection.next("forgive"), { type: "forgive", app: "web", release: RELEASE });
  await connection.close();
  await eventually(
    server,
    () => get(device),
    ({ status }) => status === "offline",
  );
  await assert.rejects(retry, { code: "device-offline" });
});

test("a target is signed, grows in version, and is not sent to who holds it", async () => {
  const release = await addRelease(server, { app: "signed", number: 1 });
  const device = await enrolFakeDevice(server);
  const pin = (body: object) =>
    fetch(`${server.url}/api/v1/projects/default/assignments`, {
      method: "PUT",
      headers: { authorization: `Bearer ${server.ownerToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const connection = await device.connect();
  await pin({ app: "signed", release: "r1", device: device.name });
  const first = await connection.target();
  assert.equal(first.apps.signed?.release, release);
  assert.equal(first.version, 1);
  await connection.close();
  const holder = await device.connect({ targetVersion: 1 });
  await holder.report({});
  assert.ok(!holder.messages.some(({ type }) => type === "target"));
  await holder.close();
  const ahead = await device.connect({ targetVersion: 7 });
  assert.equal((await ahead.target()).version, 8, "a server that was restored goes beyond what devices hold");
});

test("devices of one boot id but another's report are refused", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  const report = connection.report({}, { bootId: randomUUID() });
  assert.equal((await connection.next("refusal")).code, "protocol-error");
  await assert.rejects(report);
});

test("an app whose name is none is no message of the protocol", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  const report = connection.report({ "../../etc": { phase: "idle", containers: [] } });
  assert.equal((await connection.next("refusal")).code, "protocol-error");
  await assert.rejects(report);
});
