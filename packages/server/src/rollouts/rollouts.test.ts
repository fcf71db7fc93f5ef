import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { isCoded } from "@flotilla/base/errors";
import { Device } from "@flotilla/protocol/api/devices";
import { Assignment, type CreateRolloutRequest, Rollout, RolloutDevice } from "@flotilla/protocol/api/rollouts";
import { type Behaviour, enrolFakeDevice, type FakeConnection, type FakeDevice } from "../gateway/device.fake.ts";
import { startTestServer, type TestServer } from "../testing.ts";
import { rankOf } from "./members.ts";
import { addRelease, eventually } from "./release.fixture.ts";

let server: TestServer;
/** How much later it is for the server than for the machine. */
let laterMs = 0;
before(async () => {
  server = await startTestServer({ clock: { ...systemClock, now: () => systemClock.now() + laterMs } });
});
after(() => server.stop());

const PATH = "/api/v1/projects/default";

interface Member {
  readonly device: FakeDevice;
  readonly connection: FakeConnection;
}

/** Devices with the label fleet=NAME, connected; each does what `behave` says. */
async function fleet(
  name: string,
  size: number,
  behave: (app: string, release: string, index: number) => Behaviour | Promise<Behaviour> = () => "commit",
): Promise<Member[]> {
  const members: Member[] = [];
  for (let index = 0; index < size; index++) {
    const device = await enrolFakeDevice(server, { labels: { fleet: name }, name: `${name}-${index}` });
    const connection = await device.connect();
    connection.obey((app, { release }) => behave(app, release, index));
    members.push({ device, connection });
  }
  return members;
}

async function roll(request: CreateRolloutRequest): Promise<Rollout> {
  return server.client.post(`${PATH}/rollouts`, request, Rollout);
}

function until(
  id: string,
  state: Rollout["state"],
  more: (rollout: Rollout) => boolean = () => true,
): Promise<Rollout> {
  return eventually(
    server,
    () => server.client.get(`${PATH}/rollouts/${id}`, Rollout),
    (rollout) => rollout.state === state && more(rollout),
  );
}

async function eventsOf(id: string): Promise<string[]> {
  const events = await server.context.events.after(0, { subject: `rollout/${id}`, limit: 100 });
  return events.map(({ action }) => action);
}

async function devicesOf(id: string): Promise<RolloutDevice[]> {
  return Array.fromAsync(server.client.items(`${PATH}/rollouts/${id}/devices`, RolloutDevice));
}

test("a good release goes through its phases, finishes, and is what later devices get", async () => {
  const release = await addRelease(server, { app: "good", number: 1 });
  await fleet("good", 5);
  const { id } = await roll({ app: "good", release: "r1", selector: "fleet=good", phases: ["1", "50%", "100%"] });
  const end = await until(id, "finished");
  assert.equal(end.counts.committed, 5);
  assert.deepEqual(
    end.phases.map(({ reach, counts }) => [reach, counts.committed]),
    [
      [1, 1],
      [3, 2],
      [5, 2],
    ],
  );
  assert.deepEqual(await eventsOf(id), [
    "rollout.created",
    "rollout.phase-started",
    "rollout.phase-started",
    "rollout.phase-started",
    "rollout.finished",
  ]);
  const [late] = await fleet("good", 1);
  const assigned = (await appOf(late!.device.id, "good"))?.assigned;
  assert.deepEqual(assigned, { release, source: "settled" });
  const standing = await Array.fromAsync(
    server.client.items(`${PATH}/assignments`, Assignment, { query: { app: "good" } }),
  );
  assert.deepEqual(
    standing.map(({ selector, rollout }) => [selector, rollout]),
    [["fleet=good", id]],
  );
});

test("a release that fails stops at the canary; the others never see it", async () => {
  await addRelease(server, { app: "bad", number: 1 });
  const bad = await addRelease(server, { app: "bad", number: 2 });
  const seen = new Set<number>();
  const members = await fleet("bad", 6, (_, release, index) => {
    if (release !== bad) return "commit";
    seen.add(index);
    return "rollback";
  });
  const first = await roll({ app: "bad", release: "r1", selector: "fleet=bad", phases: ["100%"] });
  await until(first.id, "finished");
  const { id } = await roll({ app: "bad", release: "r2", selector: "fleet=bad" });
  const end = await until(id, "stopped");
  assert.equal(end.reason?.code, "failures-in-first-phase");
  assert.deepEqual([end.counts.failed, end.counts.waiting], [1, 5]);
  assert.equal(seen.size, 1);
  const failed = (await devicesOf(id)).filter(({ outcome }) => outcome === "failed");
  assert.deepEqual(
    failed.map(({ reason }) => reason?.code),
    ["unhealthy"],
  );
  const events = await server.context.events.after(0, { subject: `rollout/${id}`, limit: 100 });
  assert.deepEqual(events.at(-1)?.data?.failures, [{ code: "unhealthy", count: 1 }]);
  const canary = members.find(({ device }) => device.id === failed[0]?.device);
  assert.equal(
    (await appOf(canary!.device.id, "bad"))?.assigned?.release,
    bad,
    "it stays assigned, so that it can be told to try again",
  );
});

test("a paused rollout starts nobody, and goes on when it is resumed", async () => {
  await addRelease(server, { app: "pause", number: 1 });
  const gate = Promise.withResolvers<void>();
  await fleet("pause", 4, () => gate.promise.then(() => "commit" as const));
  const { id } = await roll({ app: "pause", release: "r1", selector: "fleet=pause", phases: ["2", "100%"] });
  await until(id, "running", ({ counts }) => counts.pending === 2);
  const paused = await server.client.post(`${PATH}/rollouts/${id}/pause`, { message: "lunch" }, Rollout);
  assert.deepEqual([paused.state, paused.reason], ["paused", { code: "paused", message: "lunch" }]);
  await refusedAs("rollout-not-running", server.client.post(`${PATH}/rollouts/${id}/pause`, {}, Rollout));
  gate.resolve();
  const { counts } = await until(id, "paused", (rollout) => rollout.counts.committed === 2);
  assert.equal(counts.waiting, 2, "outcomes are still written down, but nobody is started");
  await server.client.post(`${PATH}/rollouts/${id}/resume`, undefined, Rollout);
  await until(id, "finished");
  await refusedAs("rollout-not-paused", server.client.post(`${PATH}/rollouts/${id}/resume`, undefined, Rollout));
  await refusedAs("rollout-ended", server.client.post(`${PATH}/rollouts/${id}/abort`, undefined, Rollout));
  assert.deepEqual((await eventsOf(id)).slice(1), [
    "rollout.phase-started",
    "rollout.paused",
    "rollout.resumed",
    "rollout.phase-started",
    "rollout.finished",
  ]);
});

test("an abort puts devices back to the release they had, and takes the app off those that had none", async () => {
  const old = await addRelease(server, { app: "back", number: 1 });
  const bad = await addRelease(server, { app: "back", number: 2 });
  const gate = Promise.withResolvers<void>();
  const members = await fleet("back", 4, (_, release, index) =>
    release === bad && index === 3 ? gate.promise.then(() => "commit" as const) : "commit",
  );
  const [had, ...others] = members.map(({ device }) => device.id);
  await server.client.put(`${PATH}/assignments`, { app: "back", release: "r1", selector: `id=${had}` }, Assignment);
  const { id } = await roll({ app: "back", release: "r2", selector: "fleet=back", phases: ["100%"] });
  await until(id, "running", ({ counts }) => counts.committed === 3);
  await server.client.post(`${PATH}/rollouts/${id}/abort`, { message: "wrong colour" }, Rollout);
  const end = await until(id, "aborted", ({ counts }) => counts["put-back"] === 4);
  assert.deepEqual(end.reason, { code: "aborted", message: "wrong colour" });
  gate.resolve();
  assert.deepEqual((await appOf(had!, "back"))?.assigned, { release: old, source: "settled" });
  for (const device of others)
    await eventually(
      server,
      () => appOf(device, "back"),
      (app) => app === undefined,
    );
  const running = await eventually(
    server,
    () => appOf(had!, "back"),
    (app) => app?.release === old,
  );
  assert.equal(running?.phase, "idle");
});

test("a stopped rollout can still put back the devices that committed", async () => {
  const old = await addRelease(server, { app: "undo", number: 1 });
  const bad = await addRelease(server, { app: "undo", number: 2 });
  const committed = Promise.withResolvers<void>();
  await fleet("undo", 8, async (_, release) => {
    if (release !== bad) return "commit";
    const [first] = started;
    if (first === undefined) {
      started.push(release);
      committed.resolve();
      return "commit";
    }
    return "rollback";
  });
  const started: string[] = [];
  const first = await roll({ app: "undo", release: "r1", selector: "fleet=undo", phases: ["100%"] });
  await until(first.id, "finished");
  const { id } = await roll({ app: "undo", release: "r2", selector: "fleet=undo", phases: ["1", "100%"] });
  await committed.promise;
  const stopped = await until(id, "stopped", ({ counts }) => counts.pending === 0);
  assert.equal(stopped.reason?.code, "below-threshold");
  assert.equal(stopped.counts.committed, 1);
  await server.client.post(`${PATH}/rollouts/${id}/abort`, undefined, Rollout);
  await until(id, "aborted", ({ counts }) => counts["put-back"] === 8);
  for (const { device } of await devicesOf(id)) assert.equal((await appOf(device, "undo"))?.assigned?.release, old);
});

test("what is put back is the last release that proved itself, not the one that failed before", async () => {
  const good = await addRelease(server, { app: "deep", number: 1 });
  const bad = await addRelease(server, { app: "deep", number: 2 });
  const third = await addRelease(server, { app: "deep", number: 3 });
  const gate = Promise.withResolvers<void>();
  const [member] = await fleet("deep", 1, async (_, release) => {
    if (release === third) await gate.promise;
    return release === bad ? "rollback" : "commit";
  });
  const to = (release: string) => roll({ app: "deep", release, selector: "fleet=deep", phases: ["100%"] });
  await until((await to("r1")).id, "finished");
  await until((await to("r2")).id, "stopped");
  const { id } = await to("r3");
  await until(id, "running", ({ counts }) => counts.pending === 1);
  assert.equal((await devicesOf(id))[0]?.previous, good);
  await server.client.post(`${PATH}/rollouts/${id}/abort`, {}, Rollout);
  await until(id, "aborted", ({ counts }) => counts["put-back"] === 1);
  gate.resolve();
  assert.equal((await appOf(member!.device.id, "deep"))?.assigned?.release, good);
});

test("a stop can put back everything that it changed", async () => {
  const good = await addRelease(server, { app: "undoall", number: 1 });
  const bad = await addRelease(server, { app: "undoall", number: 2 });
  let committed = 0;
  await fleet("undoall", 4, (_, release) => (release !== bad || committed++ === 0 ? "commit" : "rollback"));
  const first = await roll({ app: "undoall", release: "r1", selector: "fleet=undoall", phases: ["100%"] });
  await until(first.id, "finished");
  const { id } = await roll({
    app: "undoall",
    release: "r2",
    selector: "fleet=undoall",
    phases: ["1", "100%"],
    onStop: "restore",
  });
  await until(id, "stopped", ({ counts }) => counts["put-back"] === 4);
  for (const { device } of await devicesOf(id)) assert.equal((await appOf(device, "undoall"))?.assigned?.release, good);
});

test("a later rollout supersedes an earlier one; a pinned device is left alone", async () => {
  await addRelease(server, { app: "race", number: 1 });
  const second = await addRelease(server, { app: "race", number: 2 });
  const members = await fleet("race", 3, (_, release) => (release === second ? "commit" : "ignore"));
  const pinned = members[2]!.device;
  const early = await roll({ app: "race", release: "r1", selector: "fleet=race", phases: ["100%"] });
  await until(early.id, "running", ({ counts }) => counts.pending === 3);
  await server.client.put(`${PATH}/assignments`, { app: "race", release: "r1", device: pinned.name }, Assignment);
  const late = await roll({ app: "race", release: "r2", selector: "fleet=race", phases: ["100%"] });
  const end = await until(late.id, "finished");
  assert.equal(end.counts.committed, 2);
  assert.equal((await until(early.id, "finished")).counts.superseded, 3);
  assert.equal((await appOf(pinned.id, "race"))?.assigned?.source, "pin");
  await server.client.delete(`${PATH}/assignments`, { query: { app: "race", device: pinned.id } });
  assert.equal((await appOf(pinned.id, "race"))?.assigned?.source, "settled", "without its pin it follows the others");
});

test("a missing variable is a failure with its reason, and the app keeps what it had", async () => {
  const old = await addRelease(server, { app: "vars", number: 1 });
  await addRelease(server, { app: "vars", number: 2, variables: { DB_URL: {} } });
  const [member] = await fleet("vars", 1);
  const first = await roll({ app: "vars", release: "r1", selector: "fleet=vars", phases: ["100%"] });
  await until(first.id, "finished");
  const { id } = await roll({ app: "vars", release: "r2", selector: "fleet=vars", phases: ["100%"] });
  await until(id, "stopped");
  const [failed] = await devicesOf(id);
  assert.equal(failed?.reason?.code, "variables-missing");
  assert.match(failed?.reason?.message ?? "", /DB_URL/);
  const state = await appOf(member!.device.id, "vars");
  assert.equal(state?.problem?.code, "variables-missing");
  assert.equal(state?.release, old);
});

test("an offline canary does not stop the next device from being tried", async () => {
  await addRelease(server, { app: "asleep", number: 1 });
  const members = await fleet("asleep", 3);
  const ranks = members.map((member) => ({ member, rank: rankOf(member.device.id) }));
  const canary = ranks.sort((a, b) => (a.rank < b.rank ? -1 : 1))[0]!.member;
  await canary.connection.close();
  const { id } = await roll({ app: "asleep", release: "r1", selector: "fleet=asleep", deadlineSeconds: 10 });
  await until(id, "running", ({ counts }) => counts.pending === 1);
  laterMs += 10_000;
  server.context.bus.publish("rollout.changed", { project: "default", rollout: id });
  const end = await until(id, "finished");
  assert.deepEqual([end.counts["left-out"], end.counts.committed], [1, 2]);
  const back = await canary.device.connect();
  back.obey();
  await until(id, "finished", ({ counts }) => counts.committed === 3);
});

for (const [what, request, code] of [
  ["an unknown release", { release: "r99" }, "not-found"],
  ["a selector that is none", { selector: "a=b=c" }, "selector-invalid"],
  ["phases that do not reach all", { phases: ["1", "50%"] }, "phases-invalid"],
  ["phases that shrink", { phases: ["50%", "10%", "100%"] }, "phases-invalid"],
  ["a phase of nothing", { phases: ["0%", "100%"] }, "phases-invalid"],
  ["an unknown key", { phasess: ["100%"] }, "invalid-request"],
] as const)
  test(`a rollout with ${what} is refused`, async () => {
    await addRelease(server, { app: "refused", number: 1 }).catch(() => undefined);
    await refusedAs(
      code,
      server.client.post(`${PATH}/rollouts`, { app: "refused", release: "r1", ...request }, Rollout),
    );
  });

async function appOf(device: string, app: string): Promise<Device["apps"][string] | undefined> {
  return (await server.client.get(`${PATH}/devices/${device}`, Device)).apps[app];
}

async function refusedAs(code: string, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isCoded(error, code));
}
