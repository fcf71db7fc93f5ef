import assert from "node:assert/strict";
import { test } from "node:test";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { Behaviour } from "./behaviour.fake.ts";
import { fakeApp, fakeService, fakeTarget, makeRelease } from "./release.fake.ts";
import { createFakeWorld, type FakeWorld } from "./world.fake.ts";

const healthy: Behaviour = { kind: "healthy", afterMs: 2000 };

function release(world: FakeWorld, version: string, behaviour: Behaviour, app: Partial<NormalisedApp> = {}) {
  const image = `web:${version}`;
  const services = { web: fakeService({ image, ports: [{ target: 80, published: "8080", protocol: "tcp" }] }) };
  return makeRelease({ registry: world.registry, app: fakeApp(services, app), images: { [image]: behaviour } });
}

/** `${NAME}` as a compose file has it. */
const reference = (name: string) => `$${"{"}${name}}`;

async function committed(world: FakeWorld, version = "1") {
  const digest = release(world, version, healthy);
  world.run(digest);
  await world.settled();
  assert.equal(world.verdict()?.kind, "commit");
  return digest;
}

test("a first release is fetched, started, watched and committed", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await committed(world);
  const state = world.state()!;
  assert.equal(state.release, v1);
  assert.equal(state.verdict?.release, v1);
  assert.equal(state.phase, "idle");
  assert.deepEqual(
    state.containers.map(({ service, state }) => `${service} ${state}`),
    ["web running"],
  );
  assert.equal(state.target, undefined);
  await world.stop();
});

test("a healthy update replaces the containers and commits", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await committed(world);
  const before = world.engine.running();
  const v2 = await committed(world, "2");
  assert.notEqual(v1, v2);
  assert.equal(world.state()?.release, v2);
  assert.equal(world.engine.running().length, 1);
  assert.notDeepEqual(world.engine.running(), before);
  assert.equal((await world.engine.list()).containers.length, 1, "old containers are gone");
  await world.stop();
});

const isRolledBack = (world: FakeWorld) => world.verdict()?.kind === "rollback";

const failures: readonly [string, Behaviour, string][] = [
  ["unhealthy", { kind: "unhealthy", afterMs: 1000 }, "unhealthy"],
  ["crash-looping", { kind: "exits", afterMs: 100, code: 3 }, "crash-loop"],
  ["never starting", { kind: "never-starts" }, "start-failed"],
  ["out of memory", { kind: "out-of-memory", afterMs: 1000 }, "out-of-memory"],
];
for (const [name, behaviour, code] of failures) {
  test(`an update that is ${name} is taken back, offline, and never tried again`, async () => {
    const world = createFakeWorld();
    world.start();
    const v1 = await committed(world);
    const before = world.engine.running();
    const v2 = release(world, "2", behaviour);
    world.run(v2);
    await world.until(() => ["probation", "restoring"].includes(world.state()?.phase ?? "") || isRolledBack(world));
    world.fetcher.online = false;
    await world.settled();
    assert.equal(world.verdict()?.kind, "rollback");
    assert.equal(world.verdict()?.release, v2);
    assert.equal(world.verdict()?.code, code);
    assert.match(world.verdict()?.reason ?? "", /the previous release was restored and runs/);
    assert.equal(world.state()?.release, v1);
    assert.deepEqual(world.engine.running(), before, "the very containers of before run again");
    assert.equal((await world.engine.list()).containers.length, 1);
    const calls = world.engine.calls.filter((call) => /^(create|start)/.test(call)).length;
    world.again();
    await world.clock.advance(3_600_000);
    assert.equal(
      world.engine.calls.filter((call) => /^(create|start)/.test(call)).length,
      calls,
      "it is not tried again",
    );
    await world.stop();
  });
}

test("a first release that fails leaves nothing running and says so", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = release(world, "1", { kind: "unhealthy", afterMs: 1000 });
  world.run(v1);
  await world.until(() => world.verdict() !== undefined);
  await world.settled();
  assert.equal(world.verdict()?.kind, "rollback");
  assert.match(world.verdict()?.reason ?? "", /nothing runs/);
  assert.match(world.verdict()?.reason ?? "", /last words/);
  assert.equal(world.state()?.release, undefined);
  assert.deepEqual(await world.engine.list(), { containers: [], networks: [], volumes: [] });
  await world.stop();
});

test("an app that leaves the target is removed; its volumes stay", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = release(world, "1", healthy, { volumes: { data: {} } });
  world.run(v1);
  await world.settled();
  world.target({});
  await world.until(() => world.state() === undefined);
  const { containers, networks, volumes } = await world.engine.list();
  assert.deepEqual([containers, networks, volumes.map(({ name }) => name)], [[], [], ["shop_data"]]);
  assert.deepEqual([...world.engine.images], [], "its image is gone");
  await world.stop();
});

test("a new target in the middle of a download replaces the old one", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await committed(world);
  const v2 = release(world, "2", { kind: "unhealthy", afterMs: 60_000 });
  world.run(v2);
  await world.until(() => world.state()?.phase === "probation");
  const v3 = release(world, "3", healthy);
  world.run(v3);
  await world.until(() => world.state()?.release === v3);
  await world.settled();
  assert.equal(world.verdict()?.kind, "commit");
  assert.equal(world.verdict()?.release, v3);
  assert.notEqual(v1, v3);
  assert.equal((await world.engine.list()).containers.length, 1);
  await world.stop();
});

test("an older target, a foreign signature and another device's target are refused", async () => {
  const world = createFakeWorld();
  world.start();
  await committed(world);
  const first = world.envelope!;
  const v2 = await committed(world, "2");
  world.link().deliver({ type: "target", envelope: first });
  world.link().deliver({ type: "target", envelope: { ...first, signatures: [{ keyid: "x", sig: "AAAA" }] } });
  await world.clock.advance(60_000);
  assert.equal(world.state()?.release, v2);
  assert.equal(world.agent()?.status().targetVersion, 2);
  await world.stop();
});

test("forgiving a bad release lets it be tried again", async () => {
  const world = createFakeWorld();
  world.start();
  await committed(world);
  const v2 = release(world, "2", { kind: "unhealthy", afterMs: 1000 });
  world.run(v2);
  await world.until(() => world.verdict()?.kind === "rollback");
  await world.settled();
  const config = [...world.registry.keys()].length;
  assert.ok(config > 0);
  world.link().deliver({ type: "forgive", app: "shop", release: v2 });
  assert.ok(await world.until(() => world.state()?.phase === "probation", 60_000), "it is on probation again");
  await world.stop();
});

test("a taken port is refused with its reason and passes once it is free", async () => {
  const world = createFakeWorld();
  world.start();
  world.host.takenPorts.add(8080);
  const v1 = release(world, "1", healthy);
  world.run(v1);
  await world.until(() => world.verdict() !== undefined);
  assert.equal(world.verdict()?.kind, "refused");
  assert.equal(world.verdict()?.code, "port-taken");
  assert.deepEqual(world.fetcher.fetched.length, 3, "only the release's own parts were fetched");
  world.host.takenPorts.clear();
  await world.until(() => world.verdict()?.kind === "commit");
  assert.equal(world.verdict()?.kind, "commit");
  await world.stop();
});

test("what vanished or exited is brought back, without the network", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await committed(world);
  world.fetcher.online = false;
  const [name] = world.engine.running();
  world.engine.vanish(name!);
  const [config] = world.engine.images.keys();
  world.engine.loseImage(config!);
  await world.until(() => world.engine.running().length === 1, 60_000);
  await world.settled();
  assert.equal(world.state()?.release, v1);
  assert.deepEqual(world.engine.running(), [name]);
  world.engine.kill(name!, 137);
  assert.ok(await world.until(() => world.engine.running().length === 1, 60_000));
  await world.stop();
});

test("an engine that is away is reported, and the work goes on when it is back", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await committed(world);
  world.engine.reachable = false;
  await world.until(() => world.state()?.phase === "waiting", 120_000);
  assert.equal(world.state()?.phase, "waiting");
  assert.equal(world.state()?.release, undefined, "it is not claimed that it runs");
  assert.equal(world.state()?.containers[0]?.state, "unknown");
  world.engine.reachable = true;
  await world.settled();
  assert.equal(world.state()?.release, v1);
  await world.stop();
});

test("a restarted agent finds everything as it was and changes nothing", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await committed(world);
  await world.stop();
  world.fetcher.online = false;
  world.engine.calls.length = 0;
  world.start();
  await world.settled();
  assert.equal(world.state()?.release, v1);
  assert.equal(world.state()?.verdict?.kind, "commit");
  assert.deepEqual(
    world.engine.calls.filter((call) => /^(create|start|stop|remove|load)/.test(call)),
    [],
  );
  await world.stop();
});

test("an unchanged service is left running through an update", async () => {
  const world = createFakeWorld();
  world.start();
  const make = (version: string) =>
    makeRelease({
      registry: world.registry,
      app: fakeApp({
        db: fakeService({ image: "db:1" }),
        web: fakeService({
          image: `web:${version}`,
          dependsOn: { db: { condition: "service_started", required: true, restart: false } },
        }),
      }),
    });
  world.run(make("1"));
  await world.settled();
  const database = world.engine.running().find((name) => name.startsWith("shop-db"));
  world.engine.calls.length = 0;
  world.run(make("2"));
  await world.settled();
  assert.equal(world.verdict()?.kind, "commit");
  assert.ok(world.engine.running().includes(database!));
  assert.deepEqual(
    world.engine.calls.filter((call) => call.includes("shop-db")),
    [],
  );
  assert.equal(world.engine.running().length, 2);
  await world.stop();
});

test("another value of a variable is another pair: it is tried although the release was bad", async () => {
  const world = createFakeWorld();
  world.start();
  const app = fakeApp(
    { web: fakeService({ image: "web:1", environment: { GREETING: reference("GREETING") } }) },
    { variables: { GREETING: {} } },
  );
  const v1 = makeRelease({ registry: world.registry, app, images: { "web:1": { kind: "unhealthy", afterMs: 500 } } });
  world.run(v1);
  await world.until(() => world.verdict() !== undefined);
  assert.deepEqual([world.verdict()?.kind, world.verdict()?.code], ["refused", "variable-missing"]);
  world.run(v1, { GREETING: "hei" });
  await world.until(() => world.verdict()?.kind === "rollback");
  const first = world.verdict()?.variablesHash;
  world.target({ shop: fakeTarget(v1, { GREETING: "hallo" }) });
  await world.until(() => world.verdict()?.variablesHash !== first);
  assert.equal(world.verdict()?.kind, "rollback");
  await world.stop();
});
