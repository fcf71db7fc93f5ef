import assert from "node:assert/strict";
import { test } from "node:test";
import { mapLimit } from "@flotilla/base/semaphore";
import type { AgentOptions } from "./agent.ts";
import type { Behaviour } from "./behaviour.fake.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { createFakeWorld, type FakeWorld } from "./world.fake.ts";

/** Time passes in larger steps here: hundreds of lives of an agent are lived through. */
const STEP_MS = 1000;
const LIMIT_MS = 300_000;

function release(world: FakeWorld, version: string, behaviour: Behaviour, strategy?: Strategy) {
  const image = `web:${version}`;
  const port = { target: 80, published: "8080", protocol: "tcp" } as const;
  const services = {
    db: fakeService({ image: "db:1", mounts: [{ kind: "volume", volume: "data", target: "/data", readOnly: false }] }),
    web: fakeService({
      image,
      dependsOn: { db: { condition: "service_started", required: true, restart: false } },
      ...(strategy === "start-first" ? {} : { ports: [port] }),
      ...(strategy === undefined ? {} : { strategy }),
    }),
  };
  const app = fakeApp(services, { volumes: { data: {} } });
  return makeRelease({ registry: world.registry, app, images: { [image]: behaviour } });
}

type Strategy = "start-first" | "delete-then-download";

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

interface Scenario {
  readonly name: string;
  /** Whether the device runs v1 before. */
  readonly runsBefore: boolean;
  /** Of the release that it runs before. */
  readonly strategy?: Strategy;
  /** What the server asks for. */
  readonly ask: (world: FakeWorld, die: Kill) => Promise<void>;
  /** How it must end, whatever happened on the way. */
  readonly check: (world: FakeWorld, where: string) => Promise<void>;
}

const good: Behaviour = { kind: "healthy", afterMs: 500 };
const bad: Behaviour = { kind: "unhealthy", afterMs: 500 };
const isOver = (world: FakeWorld) => world.holdsTarget() && (world.state()?.phase ?? "idle") === "idle";

async function runs(
  world: FakeWorld,
  version: string,
  verdict: "commit" | "rollback",
  where: string,
  strategy?: Strategy,
): Promise<void> {
  const digest = release(world, version, good, strategy);
  assert.equal(world.verdict()?.kind, verdict, `${where}: verdict`);
  assert.equal(world.state()?.release, digest, `${where}: what is reported runs`);
  assert.equal(world.engine.running().length, 2, `${where}: one db and one web run`);
  const { containers } = await world.engine.list();
  assert.equal(containers.length, 2, `${where}: nothing is left over`);
  const web = containers.find(({ name }) => name.startsWith("shop-web"));
  assert.equal(web?.labels["io.flotilla.release"], digest, `${where}: the container that runs is of it`);
}

async function nothingRuns(world: FakeWorld, where: string): Promise<void> {
  const { containers, networks } = await world.engine.list();
  assert.deepEqual([containers, networks], [[], []], `${where}: nothing is left over`);
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "an update to a good release",
    runsBefore: true,
    ask: async (world) => world.run(release(world, "2", good)),
    check: (world, where) => runs(world, "2", "commit", where),
  },
  {
    name: "an update to a bad release",
    runsBefore: true,
    ask: async (world) => world.run(release(world, "2", bad)),
    check: (world, where) => runs(world, "1", "rollback", where),
  },
  {
    name: "an update that starts first",
    runsBefore: true,
    strategy: "start-first",
    ask: async (world) => world.run(release(world, "2", good, "start-first")),
    check: (world, where) => runs(world, "2", "commit", where, "start-first"),
  },
  {
    name: "a bad update that starts first",
    runsBefore: true,
    strategy: "start-first",
    ask: async (world) => world.run(release(world, "2", bad, "start-first")),
    check: (world, where) => runs(world, "1", "rollback", where, "start-first"),
  },
  {
    name: "an update that deletes before it downloads",
    runsBefore: true,
    strategy: "delete-then-download",
    ask: async (world) => world.run(release(world, "2", good, "delete-then-download")),
    check: (world, where) => runs(world, "2", "commit", where, "delete-then-download"),
  },
  {
    name: "a bad update that deletes before it downloads",
    runsBefore: true,
    strategy: "delete-then-download",
    ask: async (world) => world.run(release(world, "2", bad, "delete-then-download")),
    check: (world, where) => runs(world, "1", "rollback", where, "delete-then-download"),
  },
  {
    name: "a first good release",
    runsBefore: false,
    ask: async (world) => world.run(release(world, "1", good)),
    check: (world, where) => runs(world, "1", "commit", where),
  },
  {
    name: "a first bad release",
    runsBefore: false,
    ask: async (world) => world.run(release(world, "1", bad)),
    async check(world, where) {
      assert.equal(world.verdict()?.kind, "rollback", `${where}: verdict`);
      await nothingRuns(world, where);
    },
  },
  {
    name: "a change of mind in the middle",
    runsBefore: true,
    async ask(world, kill) {
      world.run(release(world, "2", { kind: "healthy", afterMs: 60_000 }));
      await world.until(() => kill.dead || world.state()?.phase === "probation", LIMIT_MS, STEP_MS);
      world.run(release(world, "3", good));
    },
    check: (world, where) => runs(world, "3", "commit", where),
  },
  {
    name: "the removal of an app",
    runsBefore: true,
    ask: async (world) => world.target({}),
    async check(world, where) {
      await nothingRuns(world, where);
      assert.equal(world.state(), undefined, `${where}: it is reported gone`);
      assert.deepEqual((await world.engine.list()).volumes.length, 1, `${where}: its volume stays`);
    },
  },
];

/** A device on which an agent is asked for something and dies at its `at`-th call. */
async function killed(scenario: Scenario, at: number, when: "before" | "after") {
  const world = createFakeWorld();
  if (scenario.runsBefore) {
    world.start();
    world.run(release(world, "1", good, scenario.strategy));
    await world.until(() => isOver(world), LIMIT_MS, STEP_MS);
    await world.stop();
  }
  const kill: Kill = { calls: 0, dead: false };
  world.start((options) => mortal(options, at, when, kill));
  await scenario.ask(world, kill);
  await world.until(() => kill.dead || isOver(world), LIMIT_MS, STEP_MS);
  return { world, kill };
}

/** Whatever the point of death: the next agent ends as the scenario says, and reports it. */
async function dieAndGoOn(scenario: Scenario, at: number, when: "before" | "after"): Promise<void> {
  const { world, kill } = await killed(scenario, at, when);
  if (kill.dead) {
    world.crash();
    world.start();
    world.again();
  }
  const where = `killed ${when} call ${at}`;
  assert.ok(await world.until(() => isOver(world), LIMIT_MS, STEP_MS), `${where}: it settles`);
  await scenario.check(world, where);
  await world.stop();
}

for (const scenario of SCENARIOS) {
  for (const when of ["before", "after"] as const) {
    test(`killed ${when} any call, ${scenario.name} still ends well`, async (context) => {
      const whole = await killed(scenario, Number.POSITIVE_INFINITY, when);
      await scenario.check(whole.world, "not killed");
      await whole.world.stop();
      const points = Array.from({ length: whole.kill.calls }, (_, index) => index + 1);
      assert.ok(points.length > 10, `only ${points.length} points`);
      await mapLimit(points, 16, (at) => dieAndGoOn(scenario, at, when));
      context.diagnostic(`${points.length} points of death`);
    });
  }
}
