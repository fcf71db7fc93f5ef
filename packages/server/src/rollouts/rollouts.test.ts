import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Assignment, Rollout } from "@flotilla/protocol/api/rollouts";
import { startTestServer, type TestServer } from "../testing.ts";
import { appOf, devicesOf, fleet, PATH, refusedAs, roll, until } from "./fleet.fixture.ts";
import { addRelease, eventually } from "./release.fixture.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

test("a good release goes through its phases, finishes, and is what later devices get", async () => {
  const release = await addRelease(server, { app: "good", number: 1 });
  await fleet(server, "good", 5);
  const { id } = await roll(server, {
    app: "good",
    release: "r1",
    selector: "fleet=good",
    phases: ["1", "50%", "100%"],
  });
  const end = await until(server, id, "finished");
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
  const [late] = await fleet(server, "good", 1);
  const assigned = (await appOf(server, late!.device.id, "good"))?.assigned;
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
  const members = await fleet(server, "bad", 6, (_, release, index) => {
    if (release !== bad) return "commit";
    seen.add(index);
    return "rollback";
  });
  const first = await roll(server, { app: "bad", release: "r1", selector: "fleet=bad", phases: ["100%"] });
  await until(server, first.id, "finished");
  const { id } = await roll(server, { app: "bad", release: "r2", selector: "fleet=bad" });
  const end = await until(server, id, "stopped");
  assert.equal(end.reason?.code, "failures-in-first-phase");
  assert.deepEqual([end.counts.failed, end.counts.waiting], [1, 5]);
  assert.equal(seen.size, 1);
  const failed = (await devicesOf(server, id)).filter(({ outcome }) => outcome === "failed");
  assert.deepEqual(
    failed.map(({ reason }) => reason?.code),
    ["unhealthy"],
  );
  const events = await server.context.events.after(0, { subject: `rollout/${id}`, limit: 100 });
  assert.deepEqual(events.at(-1)?.data?.failures, [{ code: "unhealthy", count: 1 }]);
  const canary = members.find(({ device }) => device.id === failed[0]?.device);
  assert.equal(
    (await appOf(server, canary!.device.id, "bad"))?.assigned?.release,
    bad,
    "it stays assigned, so that it can be told to try again",
  );
});

test("a paused rollout starts nobody, and goes on when it is resumed", async () => {
  await addRelease(server, { app: "pause", number: 1 });
  const gate = Promise.withResolvers<void>();
  await fleet(server, "pause", 4, () => gate.promise.then(() => "commit" as const));
  const { id } = await roll(server, { app: "pause", release: "r1", selector: "fleet=pause", phases: ["2", "100%"] });
  await until(server, id, "running", ({ counts }) => counts.pending === 2);
  const paused = await server.client.post(`${PATH}/rollouts/${id}/pause`, { message: "lunch" }, Rollout);
  assert.deepEqual([paused.state, paused.reason], ["paused", { code: "paused", message: "lunch" }]);
  await refusedAs("rollout-not-running", server.client.post(`${PATH}/rollouts/${id}/pause`, {}, Rollout));
  gate.resolve();
  const { counts } = await until(server, id, "paused", (rollout) => rollout.counts.committed === 2);
  assert.equal(counts.waiting, 2, "outcomes are still written down, but nobody is started");
  await server.client.post(`${PATH}/rollouts/${id}/resume`, undefined, Rollout);
  await until(server, id, "finished");
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
  const members = await fleet(server, "back", 4, (_, release, index) =>
    release === bad && index === 3 ? gate.promise.then(() => "commit" as const) : "commit",
  );
  const [had, ...others] = members.map(({ device }) => device.id);
  await server.client.put(`${PATH}/assignments`, { app: "back", release: "r1", selector: `id=${had}` }, Assignment);
  const { id } = await roll(server, { app: "back", release: "r2", selector: "fleet=back", phases: ["100%"] });
  await until(server, id, "running", ({ counts }) => counts.committed === 3);
  await server.client.post(`${PATH}/rollouts/${id}/abort`, { message: "wrong colour" }, Rollout);
  const end = await until(server, id, "aborted", ({ counts }) => counts["put-back"] === 4);
  assert.deepEqual(end.reason, { code: "aborted", message: "wrong colour" });
  gate.resolve();
  assert.deepEqual((await appOf(server, had!, "back"))?.assigned, { release: old, source: "settled" });
  for (const device of others)
    await eventually(
      server,
      () => appOf(server, device, "back"),
      (app) => app === undefined,
    );
  const running = await eventually(
    server,
    () => appOf(server, had!, "back"),
    (app) => app?.release === old,
  );
  assert.equal(running?.phase, "idle");
});

test("a stopped rollout can still put back the devices that committed", async () => {
  const old = await addRelease(server, { app: "undo", number: 1 });
  const bad = await addRelease(server, { app: "undo", number: 2 });
  const committed = Promise.withResolvers<void>();
  await fleet(server, "undo", 8, async (_, release) => {
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
  const first = await roll(server, { app: "undo", release: "r1", selector: "fleet=undo", phases: ["100%"] });
  await until(server, first.id, "finished");
  const { id } = await roll(server, { app: "undo", release: "r2", selector: "fleet=undo", phases: ["1", "100%"] });
  await committed.promise;
  const stopped = await until(server, id, "stopped", ({ counts }) => counts.pending === 0);
  assert.equal(stopped.reason?.code, "below-threshold");
  assert.equal(stopped.counts.committed, 1);
  await server.client.post(`${PATH}/rollouts/${id}/abort`, undefined, Rollout);
  await until(server, id, "aborted", ({ counts }) => counts["put-back"] === 8);
  for (const { device } of await devicesOf(server, id))
    assert.equal((await appOf(server, device, "undo"))?.assigned?.release, old);
});

test("a stop can put back everything that it changed", async () => {
  const good = await addRelease(server, { app: "undoall", number: 1 });
  const bad = await addRelease(server, { app: "undoall", number: 2 });
  let committed = 0;
  await fleet(server, "undoall", 4, (_, release) => (release !== bad || committed++ === 0 ? "commit" : "rollback"));
  const first = await roll(server, { app: "undoall", release: "r1", selector: "fleet=undoall", phases: ["100%"] });
  await until(server, first.id, "finished");
  const { id } = await roll(server, {
    app: "undoall",
    release: "r2",
    selector: "fleet=undoall",
    phases: ["1", "100%"],
    onStop: "restore",
  });
  await until(server, id, "stopped", ({ counts }) => counts["put-back"] === 4);
  for (const { device } of await devicesOf(server, id))
    assert.equal((await appOf(server, device, "undoall"))?.assigned?.release, good);
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

async function eventsOf(id: string): Promise<string[]> {
  const events = await server.context.events.after(0, { subject: `rollout/${id}`, limit: 100 });
  return events.map(({ action }) => action);
}
