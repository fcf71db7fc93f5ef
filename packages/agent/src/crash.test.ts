import assert from "node:assert/strict";
import { test } from "node:test";
import { mapLimit } from "@flotilla/base/semaphore";
import type { AgentOptions } from "./agent.ts";
import type { Behaviour } from "./engine.fake.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { createFakeWorld, type FakeWorld } from "./world.fake.ts";

/** Time passes in larger steps here: hundreds of lives of an agent are lived through. */
const STEP_MS = 1000;
const LIMIT_MS = 300_000;

function release(world: FakeWorld, version: string, behaviour: Behaviour) {
  const image = `web:${version}`;
  const services = {
    db: fakeService({ image: "db:1", mounts: [{ kind: "volume", volume: "data", target: "/data", readOnly: false }] }),
    web: fakeService({
      image,
      dependsOn: { db: { condition: "service_started", required: true, restart: false } },
      ports: [{ target: 80, published: "8080", protocol: "tcp" }],
    }),
  };
  const app = fakeApp(services, { volumes: { data: {} } });
  return makeRelease({ registry: world.registry, app, images: { [image]: behaviour } });
}

interface Kill {
  calls: number;
  dead: boolean;
}

/** Every call of the agent to what it changes counts; from the `at`-th on, before or after its effect, none ever returns. */
function mortal(options: AgentOptions, at: number, when: "before" | "after", kill: Kill): AgentOptions {
  const wrap = <T extends object>(port: T, names: readonly string[]): T =>
    new Proxy(port, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value !== "function" || typeof name !== "string") return value;
        if (!names.includes(name)) return value.bind(target);
        return async (...args: unknown[]) => {
          if (kill.dead) return new Promise(() => {});
          const last = ++kill.calls === at;
          if (last && when === "before") kill.dead = true;
          if (kill.dead) return new Promise(() => {});
          const result: unknown = await value.apply(target, args);
          if (last) kill.dead = true;
          return kill.dead ? new Promise(() => {}) : result;
        };
      },
    });
  const engineCalls = [
    "list",
    "hasImage",
    "loadImage",
    "removeImage",
    "createNetwork",
    "removeNetwork",
    "createVolume",
  ];
  const containerCalls = [
    "createContainer",
    "renameContainer",
    "startContainer",
    "stopContainer",
    "removeContainer",
    "logs",
  ];
  return {
    ...options,
    engine: wrap(options.engine, [...engineCalls, ...containerCalls]),
    store: wrap(options.store, ["save"]),
    blobs: wrap(options.blobs, ["put", "remove"]),
    fetcher: wrap(options.fetcher, ["fetch", "fetchManifest"]),
  };
}

/** A device that runs v1, then an agent that is told to run v2 and dies at its `at`-th call. */
async function killed(at: number, when: "before" | "after", behaviour: Behaviour) {
  const world = createFakeWorld();
  world.start();
  const v1 = release(world, "1", { kind: "healthy", afterMs: 500 });
  world.run(v1);
  await world.settled(LIMIT_MS, STEP_MS);
  await world.stop();
  const kill: Kill = { calls: 0, dead: false };
  const v2 = release(world, "2", behaviour);
  world.start((options) => mortal(options, at, when, kill));
  world.run(v2);
  const isOver = () => world.verdict()?.release === v2 && world.state()?.phase === "idle";
  await world.until(() => kill.dead || isOver(), LIMIT_MS, STEP_MS);
  return { world, kill, v1, v2 };
}

/** Whatever the point of death: the next agent ends with the old or the new release running, and says which. */
async function dieAndGoOn(at: number, when: "before" | "after", behaviour: Behaviour): Promise<void> {
  const { world, kill, v1, v2 } = await killed(at, when, behaviour);
  if (!kill.dead) return world.stop();
  world.crash();
  world.start();
  world.again();
  const good = behaviour.kind === "healthy";
  const where = `killed ${when} call ${at}`;
  assert.ok(await world.settled(LIMIT_MS, STEP_MS), `${where}: it settles`);
  assert.equal(world.verdict()?.release, v2, `${where}: the verdict is of v2`);
  assert.equal(world.verdict()?.kind, good ? "commit" : "rollback", `${where}: verdict`);
  assert.equal(world.state()?.release, good ? v2 : v1, `${where}: what is reported runs`);
  assert.equal(world.engine.running().length, 2, `${where}: one db and one web run`);
  const { containers } = await world.engine.list();
  assert.equal(containers.length, 2, `${where}: nothing is left over`);
  const web = containers.find(({ name }) => name.startsWith("shop-web"));
  assert.equal(web?.labels["io.flotilla.release"], good ? v2 : v1, `${where}: the container that runs is of it`);
  await world.stop();
}

for (const behaviour of [
  { kind: "healthy", afterMs: 500 },
  { kind: "unhealthy", afterMs: 500 },
] as const) {
  for (const when of ["before", "after"] as const) {
    test(`killed ${when} any call, an update to a release that is ${behaviour.kind} still ends well`, async (context) => {
      const whole = await killed(Number.POSITIVE_INFINITY, when, behaviour);
      await whole.world.stop();
      const points = Array.from({ length: whole.kill.calls }, (_, index) => index + 1);
      assert.ok(points.length > 20, `only ${points.length} points`);
      await mapLimit(points, 16, (at) => dieAndGoOn(at, when, behaviour));
      context.diagnostic(`${points.length} points of death`);
    });
  }
}
