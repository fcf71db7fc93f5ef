import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import { withDeadlines, within } from "./deadlines.ts";
import { createFakeEngine } from "./engine.fake.ts";
import { EngineError } from "./ports.ts";

test("a task in time gives its result, and its timer ends with it", async () => {
  const clock = new FakeClock();
  assert.equal(await within({ clock, ms: 1000, what: "it" }, async () => 7), 7);
  await clock.advance(5000);
});

test("a late task is told to stop and not waited for", async () => {
  const clock = new FakeClock();
  let told = false;
  const late = within({ clock, ms: 1000, what: "it" }, (signal) => {
    signal.addEventListener("abort", () => {
      told = true;
    });
    return new Promise(() => {});
  });
  const refused = assert.rejects(late, { code: "deadline", message: "it took longer than 1 s" });
  await clock.advance(1000);
  await refused;
  assert.equal(told, true);
});

test("the caller's signal ends it with the caller's reason", async () => {
  const clock = new FakeClock();
  const caller = new AbortController();
  const task = within({ clock, ms: 1000, what: "it", signal: caller.signal }, () => new Promise(() => {}));
  const refused = assert.rejects(task, /enough/);
  caller.abort(new Error("enough"));
  await refused;
});

test("an engine that does not answer is an engine that cannot be reached", async () => {
  const clock = new FakeClock();
  const engine = withDeadlines({ ...createFakeEngine({ clock }), list: () => new Promise(() => {}) }, clock);
  const refused = assert.rejects(engine.list(), (error) => error instanceof EngineError && error.status === 0);
  await clock.advance(60_000);
  await refused;
});
