import assert from "node:assert/strict";
import { test } from "node:test";
import { createStorageLock } from "./storage-lock.ts";

/** A task that ends when it is told to. */
function task(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = async () => {
    log.push(`${name} begins`);
    await promise;
    log.push(`${name} ends`);
    return name;
  };
  return { run, end: resolve };
}

test("things are brought in side by side, and nothing is tidied meanwhile", async () => {
  const lock = createStorageLock();
  const log: string[] = [];
  const [a, b] = [task(log, "a"), task(log, "b")];
  const both = [lock.bringIn(a.run), lock.bringIn(b.run)];
  assert.equal(await lock.tidyAway(async () => log.push("tidied")), undefined);
  a.end();
  b.end();
  assert.deepEqual(await Promise.all(both), ["a", "b"]);
  assert.deepEqual(log, ["a begins", "b begins", "a ends", "b ends"]);
  assert.equal(await lock.tidyAway(async () => 7), 7);
});

test("bringing in waits while things are tidied, also when tidying fails", async () => {
  const lock = createStorageLock();
  const log: string[] = [];
  const tidy = task(log, "tidy");
  const tidied = lock.tidyAway(async () => {
    await tidy.run();
    throw new Error("disk");
  });
  const brought = lock.bringIn(async () => log.push("brought"));
  assert.equal(await lock.tidyAway(async () => 1), undefined);
  tidy.end();
  await assert.rejects(tidied, /disk/);
  await brought;
  assert.deepEqual(log, ["tidy begins", "tidy ends", "brought"]);
});
