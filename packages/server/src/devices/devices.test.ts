import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { isCoded } from "@flotilla/base/errors";
import {
  CreatedProvisioningToken,
  type CreateProvisioningTokenRequest,
  Device,
  DeviceList,
  ProvisioningToken,
} from "@flotilla/protocol/api/devices";
import { EnrolResponse } from "@flotilla/protocol/device";
import { parseProvisioningToken } from "@flotilla/protocol/provisioning-token";
import { enrolFakeDevice, enrolmentOf } from "../gateway/device.fake.ts";
import { startTestServer, type TestServer } from "../testing.ts";

let server: TestServer;
let laterMs = 0;
before(async () => {
  server = await startTestServer({ clock: { ...systemClock, now: () => systemClock.now() + laterMs } });
});
after(() => server.stop());

const PATH = "/api/v1/projects/default";
const anyone = () => server.clientWith(undefined);
const newKey = () => generateKeyPairSync("ed25519").privateKey;

function makeToken(request: CreateProvisioningTokenRequest = {}): Promise<CreatedProvisioningToken> {
  return server.client.post(`${PATH}/provisioning-tokens`, request, CreatedProvisioningToken);
}

function enrol(body: ReturnType<typeof enrolmentOf>): Promise<EnrolResponse> {
  return anyone().post("/api/v1/device/enrol", body, EnrolResponse);
}

async function refusedAs(code: string, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isCoded(error, code));
}

test("a provisioning token is shown once and enrols as often as it may", async () => {
  const created = await makeToken({ maxUses: 2, labels: { site: "oslo" }, description: "factory" });
  assert.equal(parseProvisioningToken(created.token)?.id, created.id.replaceAll("-", ""));
  const listed = await Array.fromAsync(server.client.items(`${PATH}/provisioning-tokens`, ProvisioningToken));
  const row = listed.find(({ id }) => id === created.id);
  assert.ok(row !== undefined && !("token" in row));
  const stored = await server.context.database.read.selectFrom("provisioning_tokens").selectAll().execute();
  assert.ok(!JSON.stringify(stored).includes(parseProvisioningToken(created.token)!.secret), "only a hash is kept");
  await enrol(enrolmentOf(newKey(), created.token, "one"));
  await enrol(enrolmentOf(newKey(), created.token, "two"));
  await refusedAs("token-used-up", enrol(enrolmentOf(newKey(), created.token)));
});

test("the same key enrols again as the same device, even when the token is used up", async () => {
  const { token } = await makeToken();
  const key = newKey();
  const first = await enrol(enrolmentOf(key, token, "again"));
  assert.deepEqual(await enrol(enrolmentOf(key, token, "other-name")), first);
  const device = await server.client.get(`${PATH}/devices/again`, Device);
  assert.equal(device.id, first.device);
  assert.equal(device.timeZone, "Europe/Oslo");
});

test("what does not prove itself is refused", async () => {
  const good = await makeToken({ maxUses: 10 });
  const [key, other] = [newKey(), newKey()];
  const right = enrolmentOf(key, good.token);
  const secret = parseProvisioningToken(good.token)!.secret;
  const forged = good.token.replace(secret, "A".repeat(43));
  await refusedAs("proof-invalid", enrol({ ...right, proof: enrolmentOf(other, good.token).proof }));
  await refusedAs("key-invalid", enrol({ ...right, publicKey: "AAAA" }));
  await refusedAs("token-invalid", enrol(enrolmentOf(key, forged)));
  await refusedAs("token-invalid", enrol(enrolmentOf(key, "flp_x")));
  const ended = await makeToken();
  await server.client.delete(`${PATH}/provisioning-tokens/${ended.id}`);
  await refusedAs("token-invalid", enrol(enrolmentOf(key, ended.token)));
  await refusedAs("not-found", server.client.delete(`${PATH}/provisioning-tokens/nothing`));
  const { device } = await enrol(right);
  await server.client.post(`${PATH}/devices/${device}/revoke`, undefined, Device);
  await refusedAs("device-revoked", enrol(right));
  const short = await makeToken({ expiresInSeconds: 60 });
  laterMs += 61_000;
  await refusedAs("token-invalid", enrol(enrolmentOf(other, short.token)));
});

test("a key belongs to one project", async () => {
  await server.client.post("/api/v1/projects", { name: "elsewhere" }, Device).catch(() => undefined);
  const key = newKey();
  await enrol(enrolmentOf(key, (await makeToken()).token));
  const { token } = await server.client.post(
    "/api/v1/projects/elsewhere/provisioning-tokens",
    {},
    CreatedProvisioningToken,
  );
  await refusedAs("key-in-use", enrol(enrolmentOf(key, token)));
});

test("names are friendly and unique", async () => {
  const { token } = await makeToken({ maxUses: 10 });
  const names: string[] = [];
  for (const wish of ["Lathe 3!", "lathe-3", "lathe.3", "   "])
    names.push((await enrol(enrolmentOf(newKey(), token, wish))).name);
  assert.deepEqual(names, ["lathe-3", "lathe-3-2", "lathe-3-3", "device"]);
});

test("devices are listed by selector, page by page", async () => {
  for (let index = 0; index < 5; index++)
    await enrolFakeDevice(server, { name: `list-${index}`, labels: { list: index % 2 === 0 ? "even" : "odd" } });
  const page = (query: Record<string, string | number>) => server.client.get(`${PATH}/devices`, DeviceList, { query });
  const first = await page({ selector: "list", limit: 2 });
  assert.deepEqual(
    first.items.map(({ name }) => name),
    ["list-0", "list-1"],
  );
  const second = await page({ selector: "list", limit: 2, cursor: first.next! });
  const third = await page({ selector: "list", limit: 2, cursor: second.next! });
  assert.deepEqual(
    [...second.items, ...third.items].map(({ name }) => name),
    ["list-2", "list-3", "list-4"],
  );
  assert.equal(third.next, undefined);
  const even = await page({ selector: "list=even, name!=list-0" });
  assert.deepEqual(
    even.items.map(({ name }) => name),
    ["list-2", "list-4"],
  );
  await refusedAs("selector-invalid", page({ selector: "list=" + "a=" }));
  await refusedAs("invalid-cursor", page({ cursor: "nonsense" }));
});

test("a device's name, labels and time zone are changed; what is not allowed is refused", async () => {
  const { id } = await enrolFakeDevice(server, { name: "patch", labels: { a: "1", b: "2" } });
  const patch = (body: object) => server.client.patch(`${PATH}/devices/${id}`, body, Device);
  const changed = await patch({ name: "patched", labels: { a: null, c: "3" }, timeZone: "Asia/Tokyo" });
  assert.deepEqual([changed.name, changed.labels, changed.timeZone], ["patched", { b: "2", c: "3" }, "Asia/Tokyo"]);
  await enrolFakeDevice(server, { name: "taken" });
  await refusedAs("already-exists", patch({ name: "taken" }));
  await refusedAs("label-reserved", patch({ labels: { name: "x" } }));
  await refusedAs("time-zone-unknown", patch({ timeZone: "Mars/Olympus" }));
  await refusedAs("invalid-request", patch({ labels: { "bad key!": "x" } }));
  await refusedAs("invalid-request", patch({ nmae: "x" }));
});

test("a deleted device is gone with what was its own; its key may enrol again", async () => {
  const device = await enrolFakeDevice(server, { name: "gone" });
  const connection = await device.connect();
  await server.client.delete(`${PATH}/devices/gone`);
  await connection.closed;
  await refusedAs("not-found", server.client.get(`${PATH}/devices/${device.id}`, Device));
  const again = await enrol(enrolmentOf(device.key, (await makeToken()).token, "gone"));
  assert.notEqual(again.device, device.id);
});

test("what is polled has an entity tag", async () => {
  const { id } = await enrolFakeDevice(server, {});
  const headers = { authorization: `Bearer ${server.ownerToken}` };
  const first = await fetch(`${server.url}${PATH}/devices/${id}`, { headers });
  const etag = first.headers.get("etag")!;
  const second = await fetch(`${server.url}${PATH}/devices/${id}`, { headers: { ...headers, "if-none-match": etag } });
  assert.equal(second.status, 304);
});

test("another project's devices are not found", async () => {
  await server.client.post("/api/v1/projects", { name: "elsewhere" }, Device).catch(() => undefined);
  const device = await enrolFakeDevice(server, {});
  const path = "/api/v1/projects/elsewhere/devices";
  await refusedAs("not-found", server.client.get(`${path}/${device.id}`, Device));
  await refusedAs("not-found", server.client.post(`${path}/${device.id}/revoke`, undefined, Device));
  assert.deepEqual((await server.client.get(path, DeviceList)).items, []);
});
