import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "./clock.fake.ts";

test("sleepers wake in order, and what they start within the span wakes too", async () => {
  const clock = new FakeClock(0);
  const woken: string[] = [];
  const sleeper = async (name: string, ms: number) => {
    await clock.sleep(ms);
    woken.push(`${name}@${clock.monotonic()}`);
  };
  void sleeper("late", 30);
  void sleeper("early", 10).then(() => sleeper("chained", 10));
  await clock.advance(25);
  assert.deepEqual(woken, ["early@10", "chained@20"]);
  await clock.advance(5);
  assert.deepEqual(woken, ["early@10", "chained@20", "late@30"]);
});

test("a jump of the wall clock wakes nobody and moves no monotonic time", async () => {
  const clock = new FakeClock(1000);
  let woken = false;
  void clock.sleep(10).then(() => {
    woken = true;
  });
  clock.jump(1_000_000);
  await clock.advance(5);
  assert.equal(woken, false);
  assert.equal(clock.now(), 1_001_005);
  assert.equal(clock.monotonic(), 5);
});

test("an aborted sleep rejects with the signal's reason and is forgotten", async () => {
  const clock = new FakeClock();
  const abort = new AbortController();
  const sleep = clock.sleep(10, abort.signal);
  abort.abort(new Error("new target"));
  await assert.rejects(sleep, /new target/);
  await clock.advance(20);
  await assert.rejects(clock.sleep(1, abort.signal), /new target/);
});
