import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { Device } from "@flotilla/protocol/api/devices";
import { Assignment, Rollout } from "@flotilla/protocol/api/rollouts";
import { Variable } from "@flotilla/protocol/api/variables";
import { startTestServer, type TestServer } from "../testing.ts";
import { applyDecision } from "./apply.ts";
import { requireRollout } from "./change.ts";
import { appOf, devicesOf, fleet, PATH, roll, until } from "./fleet.fixture.ts";
import { rankOf } from "./members.ts";
import type { Decision } from "./plan.ts";
import { addRelease, eventually } from "./release.fixture.ts";

let server: TestServer;
/** How much later it is for the server than for the machine. */
let laterMs = 0;
before(async () => {
  server = await startTestServer({ clock: { ...systemClock, now: () => systemClock.now() + laterMs } });
});
after(() => server.stop());

test("what is put back is the last release that proved itself, not the one that failed before", async () => {
  const good = await addRelease(server, { app: "deep", number: 1 });
  const bad = await addRelease(server, { app: "deep", number: 2 });
  const third = await addRelease(server, { app: "deep", number: 3 });
  const gate = Promise.withResolvers<void>();
  const [member] = await fleet(server, "deep", 1, async (_, release) => {
    if (release === third) await gate.promise;
    return release === bad ? "rollback" : "commit";
  });
  const to = (release: string) => roll(server, { app: "deep", release, selector: "fleet=deep", phases: ["100%"] });
  await until(server, (await to("r1")).id, "finished");
  await until(server, (await to("r2")).id, "stopped");
  const { id } = await to("r3");
  await until(server, id, "running", ({ counts }) => counts.pending === 1);
  assert.equal((await devicesOf(server, id))[0]?.previous, good);
  await server.client.post(`${PATH}/rollouts/${id}/abort`, {}, Rollout);
  await until(server, id, "aborted", ({ counts }) => counts["put-back"] === 1);
  gate.resolve();
  assert.equal((await appOf(server, member!.device.id, "deep"))?.assigned?.release, good);
});

test("a rollout of what devices run already is done at once", async () => {
  await addRelease(server, { app: "twice", number: 1 });
  await fleet(server, "twice", 2);
  const request = { app: "twice", release: "r1", selector: "fleet=twice", phases: ["100%"] };
  await until(server, (await roll(server, request)).id, "finished");
  assert.equal((await until(server, (await roll(server, request)).id, "finished")).counts.committed, 2);
});

test("a device that committed stays so when its variables change; one that joins in the last phase is settled at the end", async () => {
  const release = await addRelease(server, { app: "late", number: 1, variables: { MODE: { default: "a" } } });
  const gate = Promise.withResolvers<void>();
  const seen = new Set<number>();
  await fleet(server, "late", 2, async (_, __, index) => {
    if (seen.has(index)) return "ignore";
    seen.add(index);
    if (seen.size === 2) await gate.promise;
    return "commit";
  });
  const { id } = await roll(server, { app: "late", release: "r1", selector: "fleet=late", phases: ["100%"] });
  await until(server, id, "running", ({ counts }) => counts.committed === 1 && counts.pending === 1);
  const change = { scope: { kind: "group", selector: "fleet=late" }, value: "b" };
  await server.client.put(`${PATH}/variables/MODE`, change, Variable);
  const [joiner] = await fleet(server, "late", 1);
  assert.equal(await appOf(server, joiner!.device.id, "late"), undefined);
  const committed = (await devicesOf(server, id)).find(({ outcome }) => outcome === "committed");
  await eventually(
    server,
    () => server.client.get(`${PATH}/devices/${committed!.device}`, Device),
    ({ targetVersion }) => targetVersion === 2,
  );
  assert.equal((await until(server, id, "running")).counts.committed, 1);
  const second = (await devicesOf(server, id)).find(({ outcome }) => outcome === "pending");
  await server.client.delete(`${PATH}/devices/${second!.device}`);
  gate.resolve();
  server.context.bus.publish("rollout.changed", { project: "default", rollout: id });
  const end = await until(server, id, "finished");
  assert.deepEqual([end.counts.committed, end.counts.gone, end.counts.waiting], [1, 1, 0]);
  assert.deepEqual((await appOf(server, joiner!.device.id, "late"))?.assigned, { release, source: "settled" });
});

test("a decision for a rollout that was paused meanwhile changes nothing", async () => {
  await addRelease(server, { app: "stale", number: 1 });
  const members = await fleet(server, "stale", 2, () => "ignore");
  const { id } = await roll(server, { app: "stale", release: "r1", selector: "fleet=stale", phases: ["1", "100%"] });
  await until(server, id, "running", ({ counts }) => counts.pending === 1);
  const planned = await requireRollout(server.context.database.read, "default", id);
  await server.client.post(`${PATH}/rollouts/${id}/pause`, {}, Rollout);
  const devices = members.map(({ device }) => device.id);
  const decisions: Decision[] = [
    { kind: "start-devices", phase: 0, devices },
    { kind: "start-phase", phase: 1, reach: 2 },
    { kind: "expire", outcome: "left-out", code: "never-heard", devices },
    { kind: "stop", code: "x", message: "x" },
    { kind: "finish" },
  ];
  for (const decision of decisions)
    assert.equal(await applyDecision(server.context, planned, decision), false, decision.kind);
  const { state, phase, counts } = await until(server, id, "paused");
  assert.deepEqual([state, phase, counts.pending, counts.waiting], ["paused", 0, 1, 1]);
});

test("a device whose labels change keeps what a running rollout gave it", async () => {
  const release = await addRelease(server, { app: "keep", number: 2 });
  await addRelease(server, { app: "keep", number: 1 });
  const [member] = await fleet(server, "keep", 1, () => "ignore");
  await server.client.put(`${PATH}/assignments`, { app: "keep", release: "r1", selector: "extra=keep" }, Assignment);
  const { id } = await roll(server, { app: "keep", release: "r2", selector: "fleet=keep", phases: ["100%"] });
  await until(server, id, "running", ({ counts }) => counts.pending === 1);
  await server.client.patch(`${PATH}/devices/${member!.device.id}`, { labels: { extra: "keep" } }, Device);
  assert.deepEqual((await appOf(server, member!.device.id, "keep"))?.assigned, {
    release,
    source: "rollout",
    rollout: id,
  });
});

test("a later rollout supersedes an earlier one; a pinned device is left alone", async () => {
  await addRelease(server, { app: "race", number: 1 });
  const second = await addRelease(server, { app: "race", number: 2 });
  const members = await fleet(server, "race", 3, (_, release) => (release === second ? "commit" : "ignore"));
  const pinned = members[2]!.device;
  const early = await roll(server, { app: "race", release: "r1", selector: "fleet=race", phases: ["100%"] });
  await until(server, early.id, "running", ({ counts }) => counts.pending === 3);
  await server.client.put(`${PATH}/assignments`, { app: "race", release: "r1", device: pinned.name }, Assignment);
  const late = await roll(server, { app: "race", release: "r2", selector: "fleet=race", phases: ["100%"] });
  const end = await until(server, late.id, "finished");
  assert.equal(end.counts.committed, 2);
  assert.equal((await until(server, early.id, "finished")).counts.superseded, 3);
  assert.equal((await appOf(server, pinned.id, "race"))?.assigned?.source, "pin");
  await server.client.delete(`${PATH}/assignments`, { query: { app: "race", device: pinned.id } });
  assert.equal(
    (await appOf(server, pinned.id, "race"))?.assigned?.source,
    "settled",
    "without its pin it follows the others",
  );
});

test("a missing variable is a failure with its reason, and the app keeps what it had", async () => {
  const old = await addRelease(server, { app: "vars", number: 1 });
  await addRelease(server, { app: "vars", number: 2, variables: { DB_URL: {} } });
  const [member] = await fleet(server, "vars", 1);
  const first = await roll(server, { app: "vars", release: "r1", selector: "fleet=vars", phases: ["100%"] });
  await until(server, first.id, "finished");
  const { id } = await roll(server, { app: "vars", release: "r2", selector: "fleet=vars", phases: ["100%"] });
  await until(server, id, "stopped");
  const [failed] = await devicesOf(server, id);
  assert.equal(failed?.reason?.code, "variables-missing");
  assert.match(failed?.reason?.message ?? "", /DB_URL/);
  const state = await appOf(server, member!.device.id, "vars");
  assert.equal(state?.problem?.code, "variables-missing");
  assert.equal(state?.release, old);
});

test("an offline canary does not stop the next device from being tried", async () => {
  await addRelease(server, { app: "asleep", number: 1 });
  const members = await fleet(server, "asleep", 3);
  const ranks = members.map((member) => ({ member, rank: rankOf(member.device.id) }));
  const canary = ranks.sort((a, b) => (a.rank < b.rank ? -1 : 1))[0]!.member;
  await canary.connection.close();
  const { id } = await roll(server, { app: "asleep", release: "r1", selector: "fleet=asleep", deadlineSeconds: 10 });
  await until(server, id, "running", ({ counts }) => counts.pending === 1);
  laterMs += 10_000;
  server.context.bus.publish("rollout.changed", { project: "default", rollout: id });
  const end = await until(server, id, "finished");
  assert.deepEqual([end.counts["left-out"], end.counts.committed], [1, 2]);
  const back = await canary.device.connect();
  back.obey();
  await until(server, id, "finished", ({ counts }) => counts.committed === 3);
});
