import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import { createAdmission } from "./admission.ts";
import { createKeyConflicts } from "./conflicts.ts";
import { createBucket } from "./message-bucket.ts";

test("a storm of connections becomes a ramp", async () => {
  const clock = new FakeClock();
  const admission = createAdmission({ clock, perSecond: 100, burst: 50, random: () => 0 });
  const answers = Array.from({ length: 1000 }, () => admission.admit());
  assert.equal(answers.filter((wait) => wait === undefined).length, 50);
  const waits = answers.filter((wait) => wait !== undefined);
  assert.equal(waits[0], 10);
  assert.equal(waits.at(-1), 9500, "each gets its own turn");
  await clock.advance(100);
  assert.equal(admission.admit(), undefined);
});

test("waits are spread by chance", () => {
  const admission = createAdmission({ clock: new FakeClock(), perSecond: 1, burst: 0, random: () => 1 });
  assert.equal(admission.admit(), 1500);
});

const start = (instanceId: string) => ({ bootId: `boot of ${instanceId}`, instanceId });

const stories: readonly [what: string, connects: string, conflicts: number][] = [
  ["one agent that reconnects", "a a a a", 0],
  ["an agent that starts again and again", "a b c d", 0],
  ["a restart while the old connection dies", "a b b b", 0],
  ["two that take turns", "a b a", 1],
  ["two that take turns for long, told once", "a b a b a b", 1],
];
for (const [what, connects, expected] of stories)
  test(`key conflicts: ${what}`, () => {
    const conflicts = createKeyConflicts(new FakeClock());
    const found = connects.split(" ").map((instance) => conflicts.connected("device", start(instance)));
    assert.equal(found.filter((other) => other !== undefined).length, expected);
  });

test("a conflict is told again after the window, and forgotten beyond it", async () => {
  const clock = new FakeClock();
  const conflicts = createKeyConflicts(clock);
  conflicts.connected("device", start("a"));
  conflicts.connected("device", start("b"));
  assert.deepEqual(conflicts.connected("device", start("a")), start("b"));
  await clock.advance(11 * 60_000);
  assert.equal(conflicts.connected("device", start("b")), undefined, "that other start is long ago");
  conflicts.prune();
  assert.deepEqual(conflicts.connected("device", start("a")), undefined);
  assert.deepEqual(conflicts.connected("device", start("b")), start("a"));
});

test("a device may speak in a burst, then slowly", async () => {
  const clock = new FakeClock();
  const bucket = createBucket(clock);
  let taken = 0;
  while (bucket.take()) taken++;
  assert.equal(taken, 60);
  await clock.advance(1000);
  taken = 0;
  while (bucket.take()) taken++;
  assert.equal(taken, 5);
});
