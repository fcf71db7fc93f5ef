import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook, Service } from "@flotilla/compose/app";
import type { Behaviour } from "./behaviour.fake.ts";
import { EngineError, type ExecOptions } from "./ports.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { createFakeWorld, type FakeWorld } from "./world.fake.ts";

const healthy: Behaviour = { kind: "healthy", afterMs: 2000 };

function release(world: FakeWorld, version: string, given: Partial<Service>) {
  const image = `web:${version}`;
  const services = { web: fakeService({ image, ...given }) };
  return makeRelease({ registry: world.registry, app: fakeApp(services), images: { [image]: healthy } });
}

type Exec = (command: readonly string[], options: ExecOptions | undefined) => Promise<number>;

/** Starts an agent whose engine answers commands as `exec` says. */
function startWith(world: FakeWorld, exec: Exec): void {
  world.start((options) => ({
    ...options,
    engine: { ...options.engine, exec: (_id, command, _signal, given) => exec(command, given) },
  }));
}

const migrate: Hook = { command: ["migrate"], user: "root", environment: { MODE: "up" }, workingDir: "/app" };

test("post_start hooks run in order, as their settings say, before the release is judged", async () => {
  const world = createFakeWorld();
  const run: unknown[] = [];
  startWith(world, async (command, options) => {
    run.push([...command, options]);
    return 0;
  });
  world.run(release(world, "1", { postStart: [migrate, { command: ["warm", "up"] }] }));
  await world.settled();
  assert.equal(world.verdict()?.kind, "commit");
  assert.deepEqual(run, [
    ["migrate", { user: "root", environment: { MODE: "up" }, workingDir: "/app" }],
    ["warm", "up", {}],
  ]);
  await world.stop();
});

const FAILURES: readonly (readonly [what: string, exec: Exec, told: RegExp])[] = [
  [
    "ends with another code",
    async ([name]) => (name === "bad" ? 7 : 0),
    /service web: its post_start hook 2 ended with exit code 7/,
  ],
  [
    "cannot be run",
    async ([name]) => {
      if (name === "bad") throw new EngineError(404, "no such file");
      return 0;
    },
    /post_start hook 2: no such file/,
  ],
  [
    "never ends",
    ([name]) => (name === "bad" ? new Promise(() => {}) : Promise.resolve(0)),
    /post_start hook 2 did not end within 10 minutes/,
  ],
];
for (const [what, exec, told] of FAILURES)
  test(`a post_start hook that ${what} fails the probation, and the previous release comes back`, async () => {
    const world = createFakeWorld();
    startWith(world, exec);
    const first = release(world, "1", { postStart: [migrate] });
    world.run(first);
    await world.settled();
    const before = world.engine.running();
    world.run(release(world, "2", { postStart: [migrate, { command: ["bad"] }, { command: ["never-reached"] }] }));
    await world.settled(1_200_000);
    assert.deepEqual([world.verdict()?.kind, world.verdict()?.code], ["rollback", "hook-failed"]);
    assert.match(world.verdict()?.reason ?? "", told);
    assert.equal(world.state()?.release, first);
    assert.deepEqual(world.engine.running(), before);
    await world.stop();
  });

test("an agent that is cut off in a hook runs it again before it commits", async () => {
  const world = createFakeWorld();
  let runs = 0;
  startWith(world, () => {
    runs++;
    return new Promise(() => {});
  });
  world.run(release(world, "1", { postStart: [migrate] }));
  await world.until(() => runs === 1);
  assert.equal(world.engine.running().length, 1, "its container runs already");
  world.crash();
  startWith(world, async () => {
    runs++;
    return 0;
  });
  world.again();
  await world.settled();
  assert.equal(world.verdict()?.kind, "commit");
  assert.equal(runs, 2);
  await world.stop();
});

test("pre_stop hooks run in the old container before it is stopped, and cannot hold it", async () => {
  const world = createFakeWorld();
  const drained: (readonly string[])[] = [];
  startWith(world, async () => {
    drained.push(world.engine.running());
    return 1;
  });
  world.run(release(world, "1", { preStop: [{ command: ["drain"] }] }));
  await world.settled();
  const before = world.engine.running();
  world.run(release(world, "2", {}));
  await world.settled();
  assert.equal(world.verdict()?.kind, "commit");
  assert.deepEqual(drained, [before]);
  await world.stop();
});
