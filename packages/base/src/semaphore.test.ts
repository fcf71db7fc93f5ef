import assert from "node:assert/strict";
import { test } from "node:test";
import { mapLimit, Semaphore } from "./semaphore.ts";

test("no more than the permitted tasks run at once, and results keep their order", async () => {
  let running = 0;
  let most = 0;
  const results = await mapLimit([30, 10, 20, 5], 2, async (ms) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, ms));
    running--;
    return ms;
  });
  assert.deepEqual(results, [30, 10, 20, 5]);
  assert.equal(most, 2);
});

test("a failed task gives its permit back", async () => {
  const semaphore = new Semaphore(1);
  await assert.rejects(
    semaphore.run(async () => {
      throw new Error("broken");
    }),
    /broken/,
  );
  assert.equal(await semaphore.run(async () => "next"), "next");
});
