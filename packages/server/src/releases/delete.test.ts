import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CodedError } from "@flotilla/base/errors";
import { AppList, ReleaseDetail } from "@flotilla/protocol/api/releases";
import { Assignment, Rollout } from "@flotilla/protocol/api/rollouts";
import { CreatedToken } from "@flotilla/protocol/api/users";
import { enrolFakeDevice } from "../gateway/device.fake.ts";
import { addRelease, eventually } from "../rollouts/release.fixture.ts";
import { startTestServer, type TestServer } from "../testing.ts";
import { goodImage, push, registryClient, releaseRequest } from "./release.fixture.ts";

const PROJECT = "/api/v1/projects/default";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const remove = (app: string, release: string) => server.client.delete(`${PROJECT}/apps/${app}/releases/${release}`);

async function refused(promise: Promise<unknown>): Promise<CodedError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    return error;
  }
  return assert.fail("it was not refused");
}

async function heldBy(app: string, release: string): Promise<readonly string[]> {
  const error = await refused(remove(app, release));
  assert.equal(error.code, "in-use");
  const { holders } = error.details as { holders: readonly { kind: string }[] };
  return holders.map(({ kind }) => kind);
}

test("a release that nothing names goes, with its artifact, referrers and tags; its images stay, free now", async () => {
  const image = goodImage();
  const digest = await push(server, "default/web", image, "1");
  const create = async (tag: string) => {
    const body = await releaseRequest(`name: shop\nservices: { web: { image: "web:${tag}" } }\n`, {
      [`web:${tag}`]: digest,
    });
    return server.client.post(`${PROJECT}/apps/shop/releases`, body, ReleaseDetail);
  };
  const release = await create("1");
  const second = await create("2");
  const client = registryClient(server);
  await client.putManifest("default/shop", "stable", await client.getManifest("default/shop", "r1"));
  await remove("shop", release.digest);

  assert.equal((await refused(remove("shop", "r1"))).code, "not-found");
  for (const name of ["r1", "stable", release.digest, release.referrers.sbom, release.referrers.verdict])
    assert.equal(await client.headManifest("default/shop", name), undefined, name);
  assert.equal((await client.getManifest("default/shop", "r2")).digest, second.digest);
  assert.equal((await client.getManifest("default/web", "1")).digest, digest);
  const kept = await refused(client.deleteManifest("default/web", digest));
  assert.match(kept.message, /shop r2/, "the other release needs it still");
  await remove("shop", "r2");
  assert.equal(await client.deleteManifest("default/web", digest), true);

  const { items } = await server.client.get(`${PROJECT}/apps`, AppList);
  assert.deepEqual(items.find(({ name }) => name === "shop")?.releases, 0);
  await push(server, "default/web", image, "1");
  assert.equal((await create("1")).tag, "r3", "a number is never given again");
  const events = await server.context.events.after(0, { project: "default", limit: 1000 });
  assert.deepEqual(
    events.filter(({ action }) => action === "release.deleted").map(({ data }) => data),
    [
      { app: "shop", tag: "r1" },
      { app: "shop", tag: "r2" },
    ],
  );
});

test("the newest release of an app is the highest number that is left", async () => {
  await addRelease(server, { app: "left", number: 1 });
  await addRelease(server, { app: "left", number: 2 });
  await remove("left", "r2");
  const { items } = await server.client.get(`${PROJECT}/apps`, AppList);
  const left = items.find(({ name }) => name === "left");
  assert.deepEqual([left?.releases, left?.latest?.tag], [1, "r1"]);
});

test("a release stays while it is pinned, settled, rolled out or runs, and the refusal says who holds it", async () => {
  for (const number of [1, 2, 3]) await addRelease(server, { app: "held", number });
  const device = await enrolFakeDevice(server, { labels: { site: "a" }, name: "kiosk" });
  const assign = (body: object) => server.client.put(`${PROJECT}/assignments`, { app: "held", ...body }, Assignment);

  await assign({ release: "r1", device: device.id });
  assert.deepEqual(await heldBy("held", "r1"), ["assignment"]);
  assert.match((await refused(remove("held", "r1"))).message, /r1 stays: it is assigned to the device kiosk \(pin\)/);
  const connection = await device.connect();
  connection.obey(() => "commit");
  await eventually(
    server,
    () => heldBy("held", "r1"),
    (kinds) => kinds.includes("device"),
  );
  await server.client.delete(`${PROJECT}/assignments`, { query: { app: "held", device: device.id } });
  await assign({ release: "r2", selector: "site=b" });
  assert.deepEqual(await heldBy("held", "r2"), ["settlement"]);

  await enrolFakeDevice(server, { labels: { site: "b" }, name: "away" });
  const rollout = { app: "held", release: "r3", selector: "site=b" };
  const { id } = await server.client.post(`${PROJECT}/rollouts`, rollout, Rollout);
  await eventually(
    server,
    () => heldBy("held", "r3"),
    (kinds) => kinds.join() === "assignment,rollout",
  );
  await server.context.database.write((trx) => trx.deleteFrom("settlements").where("app", "=", "held").execute());
  assert.deepEqual(await heldBy("held", "r2"), ["rollout"], "it may go back to it");
  await server.client.post(`${PROJECT}/rollouts/${id}/abort`, {}, Rollout);
  await eventually(
    server,
    () =>
      remove("held", "r3").then(
        () => "gone",
        (error: Error) => error.message,
      ),
    (said) => said === "gone" || said.includes("assigned to the device away"),
  );
});

test("who may push may not delete releases", async () => {
  await addRelease(server, { app: "mine", number: 1 });
  const body = { name: "ci", scopes: ["registry:push", "release:create", "release:read"] };
  const { token } = await server.client.post(`${PROJECT}/tokens`, body, CreatedToken);
  const error = await refused(server.clientWith(token).delete(`${PROJECT}/apps/mine/releases/r1`));
  assert.equal(error.code, "forbidden");
});
