import assert from "node:assert/strict";
import { test } from "node:test";
import type { Behaviour } from "./behaviour.fake.ts";
import { LABELS } from "./ports.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { createFakeWorld, type FakeWorld } from "./world.fake.ts";

type Strategy = { readonly strategy?: "start-first" };

function release(
  world: FakeWorld,
  version: string,
  behaviour: Behaviour,
  given: Strategy = { strategy: "start-first" },
) {
  const image = `web:${version}`;
  const services = {
    web: fakeService({ image, replicas: 2, ...given }),
    worker: fakeService({ image: `worker:${version}` }),
  };
  return makeRelease({ registry: world.registry, app: fakeApp(services), images: { [image]: behaviour } });
}

async function running(world: FakeWorld, service: string): Promise<readonly string[]> {
  const { containers } = await world.engine.list();
  return containers
    .filter(({ labels, state }) => labels[LABELS.service] === service && state === "running")
    .map(({ labels }) => labels[LABELS.release] ?? "");
}

/** Lets the update go on and says how many containers of `web` ran at the least and at the most, and of `worker`. */
async function watch(world: FakeWorld): Promise<{ least: number; most: number; workers: number }> {
  const seen = { least: Number.POSITIVE_INFINITY, most: 0, workers: 0 };
  for (let turn = 0; turn < 400; turn++) {
    await world.clock.advance(250);
    const count = (await running(world, "web")).length;
    seen.least = Math.min(seen.least, count);
    seen.most = Math.max(seen.most, count);
    seen.workers = Math.max(seen.workers, (await running(world, "worker")).length);
    if (world.holdsTarget() && world.state()?.phase === "idle") return seen;
  }
  return assert.fail("it does not settle");
}

async function updated(behaviour: Behaviour, given?: Strategy) {
  const world = createFakeWorld();
  world.start();
  const old = release(world, "1", { kind: "healthy", afterMs: 500 }, given);
  world.run(old);
  assert.ok(await world.settled());
  const next = release(world, "2", behaviour, given);
  world.run(next);
  const seen = await watch(world);
  return { world, old, next, seen };
}

test("a service that starts first always has its containers: the old ones stop when all new ones are healthy", async () => {
  const { world, next, seen } = await updated({ kind: "healthy", afterMs: 5000 });
  assert.equal(world.verdict()?.kind, "commit");
  assert.deepEqual(seen, { least: 2, most: 4, workers: 1 }, "the other service is recreated");
  assert.deepEqual(await running(world, "web"), [next, next]);
  assert.equal((await world.engine.list()).containers.length, 3, "the old containers are gone");
  await world.stop();
});

test("one that does not become healthy never stops the old ones", async () => {
  const { world, old, seen } = await updated({ kind: "unhealthy", afterMs: 5000 });
  assert.equal(world.verdict()?.kind, "rollback");
  assert.equal(seen.least, 2);
  assert.deepEqual(await running(world, "web"), [old, old]);
  assert.equal((await world.engine.list()).containers.length, 3, "the new containers are gone");
  await world.stop();
});

test("without a strategy the old ones stop first", async () => {
  const { world, seen } = await updated({ kind: "healthy", afterMs: 5000 }, {});
  assert.equal(world.verdict()?.kind, "commit");
  assert.equal(seen.most, 2, "never more than there should be");
  await world.stop();
});
