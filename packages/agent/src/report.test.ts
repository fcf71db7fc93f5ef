import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import type { AppState, Report } from "@flotilla/protocol/device";
import { createReporter, differences, type Snapshot } from "./report.ts";

const idle: AppState = { phase: "idle", containers: [] };
const loading = (doneBytes: number): AppState => ({
  ...idle,
  phase: "downloading",
  progress: { doneBytes, totalBytes: 100 },
});
const snapshot = (apps: Snapshot["apps"], targetVersion = 1): Snapshot => ({ targetVersion, apps });

const cases: readonly [string, Snapshot | undefined, Snapshot, ReturnType<typeof differences>][] = [
  ["nothing was acknowledged", undefined, snapshot({ a: idle }), { apps: { a: idle } }],
  ["nothing changed", snapshot({ a: idle }), snapshot({ a: idle }), undefined],
  [
    "one of two apps changed",
    snapshot({ a: idle, b: idle }),
    snapshot({ a: idle, b: loading(1) }),
    { apps: { b: loading(1) } },
  ],
  ["an app is gone", snapshot({ a: idle, b: idle }), snapshot({ a: idle }), { apps: { b: null } }],
  ["only the version of the target changed", snapshot({ a: idle }), snapshot({ a: idle }, 2), {}],
];
for (const [name, before, after, expected] of cases) {
  test(`when ${name}`, () => assert.deepEqual(differences(before, after), expected));
}

function world() {
  const clock = new FakeClock();
  const sent: Report[] = [];
  const state = { now: snapshot({ a: idle }), up: true };
  let seq = 0;
  const reporter = createReporter({
    clock,
    bootId: "boot",
    link: {
      run: async () => {},
      send: (message) => {
        if (state.up && message.type === "report") sent.push(message);
        return state.up;
      },
    },
    snapshot: () => state.now,
    nextSeq: async () => ++seq,
  });
  const stop = new AbortController();
  const running = reporter.run(stop.signal);
  const ack = () => reporter.acknowledged(sent.at(-1)?.seq ?? 0);
  const end = () => {
    stop.abort();
    return running;
  };
  return { clock, sent, state, reporter, ack, end };
}

test("nothing is sent before the connection; the first report is whole", async () => {
  const { clock, sent, reporter, end } = world();
  reporter.touch();
  await clock.advance(1000);
  assert.equal(sent.length, 0);
  reporter.connected(false);
  await clock.advance(1000);
  assert.deepEqual(
    sent.map(({ full, apps }) => ({ full, apps })),
    [{ full: true, apps: { a: idle } }],
  );
  await end();
});

test("changes while a report is under way follow as one difference to what was acknowledged", async () => {
  const { clock, sent, state, reporter, ack, end } = world();
  reporter.connected(true);
  await clock.advance(1000);
  state.now = snapshot({ a: idle, b: idle });
  reporter.touch();
  state.now = snapshot({ b: idle });
  reporter.touch();
  await clock.advance(1000);
  assert.equal(sent.length, 1, "one at a time");
  ack();
  await clock.advance(1000);
  assert.deepEqual(sent.at(-1)?.apps, { a: null, b: idle });
  assert.equal(sent.at(-1)?.full, false);
  await end();
});

test("a report that got lost is made again, whole", async () => {
  const { clock, sent, state, reporter, ack, end } = world();
  reporter.connected(true);
  await clock.advance(1000);
  ack();
  state.now = snapshot({ a: loading(1) });
  reporter.touch();
  await clock.advance(1000);
  await clock.advance(61_000);
  assert.deepEqual(
    sent.map(({ seq, full }) => [seq, full]),
    [
      [1, true],
      [2, false],
      [3, true],
    ],
  );
  await end();
});

test("a server that has nothing of the device is told everything on the next connection", async () => {
  const { clock, sent, reporter, ack, end } = world();
  reporter.connected(false);
  await clock.advance(1000);
  ack();
  reporter.disconnected();
  reporter.connected(true);
  await clock.advance(1000);
  assert.deepEqual(
    sent.map(({ full }) => full),
    [true, true],
  );
  reporter.disconnected();
  reporter.connected(false);
  ack();
  await clock.advance(1000);
  await end();
});

test("progress alone is told every five seconds, a new phase at once", async () => {
  const { clock, sent, state, reporter, ack, end } = world();
  reporter.connected(true);
  await clock.advance(1000);
  ack();
  for (let percent = 1; percent <= 10; percent++) {
    state.now = snapshot({ a: loading(percent) });
    reporter.touch();
    await clock.advance(1000);
    ack();
  }
  assert.ok(sent.length >= 3 && sent.length <= 5, `${sent.length} reports in ten seconds`);
  const before = sent.length;
  state.now = snapshot({ a: { ...idle, phase: "switching" } });
  reporter.touch();
  await clock.advance(500);
  assert.equal(sent.length, before + 1);
  await end();
});
