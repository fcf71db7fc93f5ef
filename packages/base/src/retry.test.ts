import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "./clock.fake.ts";
import { systemClock } from "./clock.ts";
import { backoffMs, retry } from "./retry.ts";

const BACKOFF = { firstMs: 100, maxMs: 1000, attempts: 4 };

test("the wait doubles up to its cap and is scaled by chance", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 100].map((attempt) => backoffMs(BACKOFF, attempt, 1)),
    [100, 200, 400, 800, 1000, 1000],
  );
  assert.equal(backoffMs(BACKOFF, 3, 0.5), 200);
});

test("a task that fails twice succeeds at the third try, after both waits", async () => {
  const clock = new FakeClock(0);
  const tries: number[] = [];
  const result = retry(
    async (attempt) => {
      tries.push(clock.monotonic());
      if (attempt < 3) throw new Error("not yet");
      return "done";
    },
    { clock, backoff: BACKOFF, random: () => 1 },
  );
  await clock.advance(300);
  assert.equal(await result, "done");
  assert.deepEqual(tries, [0, 100, 300]);
});

test("a final failure and the last attempt are thrown as they are", async () => {
  const clock = systemClock;
  const quick = { firstMs: 0, maxMs: 0, attempts: 3 };
  let tries = 0;
  const failing = async () => {
    tries++;
    throw new Error("broken");
  };
  await assert.rejects(retry(failing, { clock, backoff: quick, retryable: () => false }), /broken/);
  assert.equal(tries, 1);
  await assert.rejects(retry(failing, { clock, backoff: quick }), /broken/);
  assert.equal(tries, 4);
});
