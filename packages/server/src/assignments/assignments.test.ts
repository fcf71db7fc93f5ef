import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isCoded } from "@flotilla/base/errors";
import { Device } from "@flotilla/protocol/api/devices";
import { Assignment, Rollout } from "@flotilla/protocol/api/rollouts";
import { enrolFakeDevice, type FakeDevice } from "../gateway/device.fake.ts";
import { addRelease, eventually } from "../rollouts/release.fixture.ts";
import { startTestServer, type TestServer } from "../testing.ts";

let server: TestServer;
let one: string;
let two: string;
before(async () => {
  server = await startTestServer();
  one = await addRelease(server, { number: 1 });
  two = await addRelease(server, { number: 2 });
});
after(() => server.stop());

const PATH = "/api/v1/projects/default";

const assign = (body: object) => server.client.put(`${PATH}/assignments`, { app: "web", ...body }, Assignment);
const unassign = (query: Record<string, string>) =>
  server.client.delete(`${PATH}/assignments`, { query: { app: "web", ...query } });
const relabel = (device: FakeDevice, labels: Record<string, string | null>) =>
  server.client.patch(`${PATH}/devices/${device.id}`, { labels }, Device);

async function assigned(device: FakeDevice): Promise<[string, string] | undefined> {
  const app = (await server.client.get(`${PATH}/devices/${device.id}`, Device)).apps.web;
  return app?.assigned === undefined ? undefined : [app.assigned.release, app.assigned.source];
}

test("a release given to a selector reaches those that match, and those that join later", async () => {
  const labels = { case: "join" };
  const early = await enrolFakeDevice(server, { labels });
  const pinned = await enrolFakeDevice(server, { labels });
  await assign({ release: "r2", device: pinned.id });
  await assign({ release: "r1", selector: "case=join" });
  assert.deepEqual(await assigned(early), [one, "settled"]);
  assert.deepEqual(await assigned(pinned), [two, "pin"]);
  assert.deepEqual(await assigned(await enrolFakeDevice(server, { labels })), [one, "settled"]);
  const stranger = await enrolFakeDevice(server, { labels: { case: "none" } });
  assert.equal(await assigned(stranger), undefined);
  await relabel(stranger, { case: "join" });
  assert.deepEqual(await assigned(stranger), [one, "settled"]);
  await relabel(stranger, { case: null });
  assert.deepEqual(await assigned(stranger), [one, "settled"], "an assignment lasts until it is changed");
});

test("of two selectors the one that was settled last has the word", async () => {
  await assign({ release: "r1", selector: "order" });
  await assign({ release: "r2", selector: "order=x" });
  const device = await enrolFakeDevice(server, { labels: { order: "x" } });
  assert.deepEqual(await assigned(device), [two, "settled"]);
  await unassign({ selector: "order=x" });
  assert.deepEqual(await assigned(device), [one, "settled"], "when it goes, the other stands");
  await unassign({ selector: "order" });
  assert.equal(await assigned(device), undefined);
});

test("taking the last assignment away takes the app off the device", async () => {
  const device = await enrolFakeDevice(server);
  await assign({ release: "r1", device: device.name });
  const connection = await device.connect();
  assert.deepEqual(Object.keys((await connection.target()).apps), ["web"]);
  await unassign({ device: device.name });
  assert.deepEqual((await connection.target()).apps, {});
  await assert.rejects(unassign({ device: device.name }), (error) => isCoded(error, "not-found"));
});

test("a device joins a rollout that has not reached its last phase, and leaves one that no longer concerns it", async () => {
  const labels = { case: "during" };
  const first = await enrolFakeDevice(server, { labels });
  const leaver = await enrolFakeDevice(server, { labels });
  const request = { app: "web", release: "r1", selector: "case=during", phases: ["1", "100%"] };
  const { id } = await server.client.post(`${PATH}/rollouts`, request, Rollout);
  const look = () => server.client.get(`${PATH}/rollouts/${id}`, Rollout);
  await eventually(server, look, ({ counts }) => counts.pending === 1);
  const waiting = (await assigned(first)) === undefined ? first : leaver;
  await enrolFakeDevice(server, { labels });
  assert.equal((await look()).counts.waiting, 2);
  await relabel(waiting, { case: null });
  assert.equal((await look()).counts.waiting, 1);
  await server.client.delete(`${PATH}/devices/${waiting === first ? leaver.id : first.id}`);
  assert.equal((await look()).counts.gone, 1);
  await server.client.post(`${PATH}/rollouts/${id}/abort`, {}, Rollout);
});

for (const [what, body, code] of [
  ["neither device nor selector", { release: "r1" }, "invalid-request"],
  ["both", { release: "r1", device: "x", selector: "" }, "invalid-request"],
  ["an unknown device", { release: "r1", device: "nobody" }, "not-found"],
  ["an unknown release", { release: "r9", selector: "" }, "not-found"],
] as const)
  test(`an assignment to ${what} is refused`, async () => {
    await assert.rejects(assign(body), (error) => isCoded(error, code));
  });
