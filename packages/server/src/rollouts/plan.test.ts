import assert from "node:assert/strict";
import { test } from "node:test";
import type { RolloutStrategy } from "@flotilla/protocol/api/rollouts";
import { type Behaviour, type Simulated, seeded, simulate } from "./plan.fake.ts";
import { type Member, plan, SLOW_DEADLINES, sizeOf } from "./plan.ts";

const STRATEGY: RolloutStrategy = {
  phases: ["1", "10%", "100%"],
  successThreshold: 0.95,
  firstPhaseFailures: 1,
  failureRate: 0.1,
  deadlineSeconds: 3600,
  onStop: "hold",
};
const MINUTE_MS = 60_000;

function fleet(size: number, behave: (index: number) => Partial<Behaviour>): Behaviour[] {
  return Array.from({ length: size }, (_, index) => ({ kind: "commit", latencyMs: 0, ...behave(index) }));
}

function tally({ members }: Simulated): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of members.values()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function phasesOf({ members }: Simulated): number[] {
  const counts: number[] = [];
  for (const { phase } of members.values()) if (phase !== undefined) counts[phase] = (counts[phase] ?? 0) + 1;
  return counts;
}

const sizes: readonly [size: string, total: number, expected: number][] = [
  ["1", 25, 1],
  ["5", 3, 3],
  ["10%", 25, 3],
  ["10%", 10, 1],
  ["10%", 0, 0],
  ["2.5%", 10_000, 250],
  ["0.001%", 25, 1],
  ["100%", 7, 7],
];
for (const [size, total, expected] of sizes)
  test(`a phase of ${size} reaches ${expected} of ${total}`, () => assert.equal(sizeOf(size, total), expected));

test("a good release reaches 10,000 devices, phase by phase", () => {
  const random = seeded(1);
  const end = simulate({
    strategy: STRATEGY,
    behaviours: fleet(10_000, () => ({ latencyMs: 1 + random() * 10 * MINUTE_MS })),
    tickMs: MINUTE_MS,
  });
  assert.deepEqual(tally(end), { committed: 10_000 });
  assert.deepEqual(phasesOf(end), [1, 999, 9000]);
  assert.equal(end.rollout.state, "finished");
});

test("a release that always fails reaches the first phase only", () => {
  const end = simulate({ strategy: STRATEGY, behaviours: fleet(10_000, () => ({ kind: "fail" })), tickMs: MINUTE_MS });
  assert.deepEqual(tally(end), { failed: 1, waiting: 9999 });
  assert.equal(end.stopCode, "failures-in-first-phase");
});

test("a release that fails too often for its rate stops, though no threshold is missed", () => {
  const random = seeded(7);
  const end = simulate({
    strategy: { ...STRATEGY, phases: ["100%"], firstPhaseFailures: 10_000, successThreshold: 0.5 },
    behaviours: fleet(10_000, () => ({
      kind: random() < 0.3 ? "fail" : "commit",
      latencyMs: random() * 10 * MINUTE_MS,
    })),
    tickMs: MINUTE_MS / 4,
  });
  assert.equal(end.stopCode, "failure-rate");
  assert.ok((tally(end)["put-back"] ?? 0) > 0, "devices without an outcome go back");
});

test("quick failures before slow successes do not stop a good release", () => {
  const random = seeded(3);
  const end = simulate({
    strategy: { ...STRATEGY, phases: ["1", "100%"] },
    behaviours: fleet(2000, (index) =>
      index % 50 === 17 ? { kind: "fail", latencyMs: 0 } : { latencyMs: MINUTE_MS + random() * 20 * MINUTE_MS },
    ),
    tickMs: MINUTE_MS,
  });
  assert.equal(end.rollout.state, "finished");
  assert.deepEqual(tally(end), { committed: 1960, failed: 40 });
});

test("an offline canary is replaced after the deadline, and offline devices end no phase for ever", () => {
  const end = simulate({
    strategy: STRATEGY,
    behaviours: fleet(200, (index) => ({ kind: index % 4 === 0 ? "offline" : "commit" })),
    tickMs: MINUTE_MS,
  });
  assert.equal(end.rollout.state, "finished");
  assert.deepEqual(tally(end), { committed: 150, "left-out": 50 });
  const deadlineMs = STRATEGY.deadlineSeconds * 1000;
  assert.ok(end.endedAt <= 12 * deadlineMs, `ended after ${end.endedAt / deadlineMs} deadlines`);
});

test("a fleet that is offline altogether ends with nobody changed", () => {
  const end = simulate({ strategy: STRATEGY, behaviours: fleet(5, () => ({ kind: "offline" })), tickMs: MINUTE_MS });
  assert.deepEqual(tally(end), { "left-out": 5 });
});

test("a device that began and fell silent has failed", () => {
  const end = simulate({ strategy: STRATEGY, behaviours: fleet(20, () => ({ kind: "silent" })), tickMs: MINUTE_MS });
  assert.deepEqual(tally(end), { failed: 1, waiting: 19 });
  assert.equal(end.endedAt, MINUTE_MS + STRATEGY.deadlineSeconds * 1000);
});

test("an empty fleet finishes at once", () => {
  assert.equal(simulate({ strategy: STRATEGY, behaviours: [], tickMs: 1 }).rollout.state, "finished");
});

test("an abort that restores leaves nobody on the release", () => {
  const end = simulate({
    strategy: STRATEGY,
    behaviours: fleet(500, (index) => ({ latencyMs: (index % 30) * MINUTE_MS })),
    tickMs: MINUTE_MS,
    abortAtMs: 40 * MINUTE_MS,
  });
  const counts = tally(end);
  assert.equal((counts.committed ?? 0) + (counts.pending ?? 0) + (counts.failed ?? 0), 0);
  assert.ok((counts["put-back"] ?? 0) > 1 && (counts.waiting ?? 0) > 0);
});

const member = (change: Partial<Member>): Member => ({
  device: "a",
  rank: "0",
  phase: 0,
  outcome: "pending",
  startedAt: 0,
  heardAt: undefined,
  ...change,
});
const running = { state: "running", strategy: STRATEGY, phase: 0, reach: [1], putBack: "none" } as const;
const DEADLINE_MS = STRATEGY.deadlineSeconds * 1000;

test("the deadline counts from the start, from the last news and from when the server listened", () => {
  const late = (change: Partial<Member>, listeningSince: number) =>
    plan(running, [member(change)], { now: DEADLINE_MS, listeningSince });
  assert.deepEqual(late({}, 0), [{ kind: "expire", outcome: "left-out", code: "never-heard", devices: ["a"] }]);
  assert.deepEqual(late({}, 1), []);
  assert.deepEqual(late({ heardAt: 0 }, 0), [
    { kind: "expire", outcome: "failed", code: "fell-silent", devices: ["a"] },
  ]);
  assert.deepEqual(late({ heardAt: 1 }, 0), []);
});

test("a device that talks for ever fails after eight deadlines", () => {
  const now = SLOW_DEADLINES * DEADLINE_MS;
  assert.deepEqual(plan(running, [member({ heardAt: now - 1 })], { now, listeningSince: 0 }), [
    { kind: "expire", outcome: "failed", code: "too-slow", devices: ["a"] },
  ]);
});

test("nothing happens while it is paused or being prepared", () => {
  for (const state of ["paused", "preparing"] as const)
    assert.deepEqual(
      plan({ ...running, state }, [member({ outcome: "failed" })], { now: 1e12, listeningSince: 0 }),
      [],
    );
});

test("a phase passes only on evidence, whatever the threshold", () => {
  const lenient = { ...running, strategy: { ...STRATEGY, successThreshold: 0 } };
  const waiting = member({ device: "b", rank: "1", phase: undefined, outcome: "waiting" });
  const time = { now: 0, listeningSince: 0 };
  assert.deepEqual(plan(lenient, [member({}), waiting], time), []);
  assert.equal(plan(lenient, [member({ outcome: "committed" }), waiting], time)[0]?.kind, "start-phase");
});

test("a superseded device makes room for another", () => {
  const decisions = plan(
    running,
    [member({ outcome: "superseded" }), member({ device: "b", rank: "1", phase: undefined, outcome: "waiting" })],
    { now: 0, listeningSince: 0 },
  );
  assert.deepEqual(decisions, [{ kind: "start-devices", phase: 0, devices: ["b"] }]);
});

/** What must hold of every run, whatever the fleet. */
function checkRun(end: Simulated, strategy: RolloutStrategy, seed: number): void {
  const text = `seed ${seed}: ${JSON.stringify({ strategy, tally: tally(end), stop: end.stopCode })}`;
  const reach = end.rollout.reach;
  assert.deepEqual(
    reach,
    [...reach].sort((a, b) => a - b),
    text,
  );
  const started = [...end.members.values()].filter(({ phase }) => phase !== undefined);
  const leftOut = started.filter(({ outcome }) => outcome === "left-out" || outcome === "put-back").length;
  assert.ok(started.length <= (reach.at(-1) ?? 0) + leftOut, text);
  const ended = end.rollout.state === "finished" || end.rollout.state === "stopped";
  assert.ok(ended, `${text} did not end`);
  if (end.rollout.state === "stopped") {
    assert.ok(!started.some(({ outcome }) => outcome === "pending"), text);
    if (strategy.onStop === "restore")
      assert.ok(
        started.every(({ outcome }) => outcome === "put-back"),
        text,
      );
    return;
  }
  for (const [phase] of reach.entries()) {
    const failed = started.filter((one) => one.phase === phase && one.outcome === "failed").length;
    const committed = started.filter((one) => one.phase === phase && one.outcome === "committed").length;
    assert.ok(failed <= (1 - strategy.successThreshold) * (failed + committed) + 1e-6, text);
  }
  assert.ok(![...end.members.values()].some(({ outcome }) => outcome === "waiting"), `${text} left devices waiting`);
}

test("300 random fleets keep the promises, with and without crashes in the middle", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const failing = random() < 0.5 ? random() * 0.05 : random();
    const offline = random() * 0.3;
    const strategy: RolloutStrategy = {
      phases: random() < 0.5 ? ["1", "10%", "100%"] : ["3", "2.5%", "40%", "100%"],
      successThreshold: 0.5 + random() / 2,
      firstPhaseFailures: 1 + Math.floor(random() * 3),
      failureRate: random() / 2,
      deadlineSeconds: 600,
      onStop: random() < 0.5 ? "hold" : "restore",
    };
    const behaviours = fleet(Math.floor(random() * 300), () => {
      const dice = random();
      const kind =
        dice < offline ? "offline" : dice < offline + 0.02 ? "silent" : random() < failing ? "fail" : "commit";
      return { kind, latencyMs: random() * 5 * MINUTE_MS };
    });
    const crash = seeded(seed * 31);
    const interrupt = seed % 2 === 0 ? undefined : () => (crash() < 0.3 ? crash() : undefined);
    const end = simulate({
      strategy,
      behaviours,
      tickMs: MINUTE_MS,
      maxTicks: 5000,
      ...(interrupt === undefined ? {} : { interrupt }),
    });
    checkRun(end, strategy, seed);
  }
});

test("a tolerated rate of spurious failures seldom stops a good release of 10,000", () => {
  let stopped = 0;
  for (let seed = 1; seed <= 5; seed++) {
    const random = seeded(seed);
    const end = simulate({
      strategy: { ...STRATEGY, firstPhaseFailures: 2 },
      behaviours: fleet(10_000, () => ({
        kind: random() < 0.01 ? "fail" : "commit",
        latencyMs: random() * 10 * MINUTE_MS,
      })),
      tickMs: 2 * MINUTE_MS,
    });
    if (end.rollout.state !== "finished") stopped++;
  }
  assert.equal(stopped, 0);
});
