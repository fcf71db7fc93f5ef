import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { Probe, Service } from "@flotilla/compose/app";
import { sha256 } from "@flotilla/oci/hash";
import type { Behaviour } from "./behaviour.fake.ts";
import { fakeApp, fakeService, fakeTarget, makeRelease } from "./release.fake.ts";
import { createFakeWorld, type FakeWorld } from "./world.fake.ts";

const healthy: Behaviour = { kind: "healthy", afterMs: 2000 };

function release(world: FakeWorld, version: string, behaviour: Behaviour = healthy, service: Partial<Service> = {}) {
  const image = `web:${version}`;
  const app = fakeApp({ web: fakeService({ image, ...service }) });
  return makeRelease({ registry: world.registry, app, images: { [image]: behaviour } });
}

async function commit(world: FakeWorld, version: string, service: Partial<Service> = {}) {
  const digest = release(world, version, healthy, service);
  world.run(digest);
  await world.settled();
  assert.equal(world.state()?.release, digest);
  return digest;
}

const probes: readonly [string, Probe, (answers: boolean) => number | undefined][] = [
  ["http", { kind: "http", port: 80, path: "/", deadlineMs: 20_000 }, (answers) => (answers ? 200 : 503)],
  [
    "http with a status",
    { kind: "http", port: 80, path: "/", expectStatus: 418, deadlineMs: 20_000 },
    (answers) => (answers ? 418 : 200),
  ],
  ["tcp", { kind: "tcp", port: 80, deadlineMs: 20_000 }, (answers) => (answers ? 0 : undefined)],
];
for (const [name, probe, answer] of probes) {
  test(`an ${name} probe decides: it commits once it answers, and rolls back when it never does`, async () => {
    const world = createFakeWorld();
    world.start();
    let answers = false;
    world.host.answer = () => answer(answers);
    world.run(release(world, "1", { kind: "runs" }, { probe }));
    await world.until(() => world.state()?.phase === "probation");
    await world.clock.advance(10_000);
    assert.equal(world.state()?.phase, "probation");
    answers = true;
    await world.settled();
    assert.equal(world.verdict()?.kind, "commit");
    answers = false;
    world.run(release(world, "2", { kind: "runs" }, { probe }));
    await world.until(() => world.verdict()?.kind === "rollback");
    assert.equal(world.verdict()?.code, "deadline");
    await world.stop();
  });
}

test("an exec probe runs in the container", async () => {
  const world = createFakeWorld();
  world.start();
  const probe: Probe = { kind: "exec", command: ["/check"], deadlineMs: 20_000 };
  world.run(release(world, "1", { kind: "unhealthy", afterMs: 0 }, { probe }));
  await world.until(() => world.verdict() !== undefined);
  assert.equal(world.verdict()?.code, "deadline");
  assert.match(world.verdict()?.reason ?? "", /exit code 1/);
  await world.stop();
});

test("a reboot in the middle of a switch ends in the new release", async () => {
  const world = createFakeWorld();
  world.start();
  await commit(world, "1");
  const v2 = release(world, "2", { kind: "healthy", afterMs: 20_000 }, { restart: { policy: "no" } });
  world.run(v2);
  await world.until(() => world.state()?.phase === "probation");
  world.reboot();
  await world.settled();
  assert.equal(world.state()?.release, v2);
  assert.equal(world.verdict()?.kind, "commit");
  await world.stop();
});

test("after a reboot a service that no engine restarts is started again", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await commit(world, "1", { restart: { policy: "no" } });
  world.reboot();
  assert.deepEqual(world.engine.running(), []);
  assert.ok(await world.until(() => world.engine.running().length === 1, 60_000));
  await world.settled();
  assert.equal(world.state()?.release, v1);
  await world.stop();
});

test("an engine that is restarted in the middle of a probation is no failure of the release", async () => {
  const world = createFakeWorld();
  world.start();
  await commit(world, "1");
  const v2 = release(world, "2", { kind: "healthy", afterMs: 20_000 }, { restart: { policy: "no" } });
  world.run(v2);
  await world.until(() => world.state()?.phase === "probation");
  world.engine.reachable = false;
  await world.until(() => world.state()?.phase === "waiting", 60_000);
  world.engine.reboot();
  world.engine.reachable = true;
  await world.settled();
  assert.equal(world.state()?.release, v2);
  await world.stop();
});

test("only the release that runs and the one before it stay on the device", async () => {
  const world = createFakeWorld();
  world.start();
  await commit(world, "1");
  await commit(world, "2");
  await world.clock.advance(1000);
  assert.equal(world.engine.images.size, 2);
  await commit(world, "3");
  await world.clock.advance(1000);
  assert.equal(world.engine.images.size, 2, "the image of the first release is gone");
  const names = [...world.blobs.content.values()].map((bytes) => new TextDecoder().decode(bytes));
  assert.deepEqual(
    ["1", "2", "3"].map((version) => names.includes(`layer of web:${version}`)),
    [false, true, true],
  );
  await world.stop();
});

test("on a full disk the previous release's copies make room", async () => {
  const world = createFakeWorld();
  world.start();
  await commit(world, "1");
  await commit(world, "2");
  const v3 = release(world, "3");
  let asked = 0;
  world.blobs.freeBytes = async () => (++asked === 1 ? 0 : 10 * 1024 ** 3);
  world.run(v3);
  await world.settled();
  assert.equal(world.state()?.release, v3);
  assert.ok(asked >= 2);
  await world.stop();
});

test("a full disk is refused, and tried again when there is room", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await commit(world, "1");
  world.blobs.free = 0;
  const v2 = release(world, "2");
  world.run(v2);
  await world.until(() => world.verdict()?.kind === "refused");
  assert.equal(world.verdict()?.code, "disk");
  assert.equal(world.state()?.phase, "waiting");
  assert.equal(world.state()?.release, v1, "the old release runs on");
  const asked = world.engine.calls.length;
  await world.clock.advance(3_600_000);
  assert.ok(world.engine.calls.length - asked < 1500, "without hammering");
  world.blobs.free = 10 * 1024 ** 3;
  await world.until(() => world.state()?.release === v2, 3_600_000, 5000);
  assert.equal(world.verdict()?.kind, "commit");
  await world.stop();
});

test("a download that is impossible for now is waited for, and the old release runs on", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await commit(world, "1");
  world.fetcher.online = false;
  const v2 = release(world, "2");
  world.run(v2);
  await world.until(() => world.state()?.phase === "waiting" && world.state()?.target === v2);
  const [name] = world.engine.running();
  world.engine.kill(name!, 1);
  assert.ok(await world.until(() => world.engine.running().length === 1, 120_000), "and is mended meanwhile");
  assert.equal(world.verdict()?.release, v1, "no verdict on what was not tried");
  world.fetcher.online = true;
  await world.until(() => world.state()?.release === v2, 3_600_000, 5000);
  await world.stop();
});

const forged: readonly [string, (world: FakeWorld, digest: string) => void][] = [
  ["a manifest with other bytes", (world, digest) => world.registry.set(digest, new TextEncoder().encode("{}"))],
  ["a manifest that is no release", () => {}],
];
for (const [name, forge] of forged) {
  test(`${name} is refused for good`, async () => {
    const world = createFakeWorld();
    world.start();
    const digest = name.includes("no release") ? sha256('{"schemaVersion":2}') : release(world, "1");
    world.registry.set(sha256('{"schemaVersion":2}'), new TextEncoder().encode('{"schemaVersion":2}'));
    forge(world, digest);
    world.run(asDigest(digest));
    await world.until(() => world.verdict() !== undefined, 60_000);
    assert.equal(world.verdict()?.kind, "refused");
    assert.match(world.verdict()?.code ?? "", /release-invalid|manifest-invalid/);
    assert.deepEqual([...world.engine.images], []);
    await world.stop();
  });
}

test("another architecture is refused before an image is fetched", async () => {
  const world = createFakeWorld();
  world.start();
  const app = fakeApp({ web: fakeService({ image: "web:1" }) });
  world.run(makeRelease({ registry: world.registry, app, platform: { os: "linux", architecture: "arm64" } }));
  await world.until(() => world.verdict() !== undefined);
  assert.deepEqual([world.verdict()?.kind, world.verdict()?.code], ["refused", "architecture-unsupported"]);
  assert.equal(world.state()?.phase, "idle");
  await world.stop();
});

test("two apps of a device do not wait for each other", async () => {
  const world = createFakeWorld();
  world.start();
  const slow = makeRelease({
    registry: world.registry,
    app: fakeApp({ web: fakeService({ image: "slow:1" }) }, { name: "slow" }),
    images: { "slow:1": { kind: "healthy", afterMs: 120_000 } },
  });
  const fast = release(world, "1");
  world.target({ shop: fakeTarget(fast), slow: fakeTarget(slow, {}, "slow") });
  await world.until(() => world.state()?.release === fast, 60_000);
  assert.equal(world.state("slow")?.phase, "probation");
  await world.until(() => world.state("slow")?.release === slow);
  assert.equal(world.state()?.release, fast);
  await world.stop();
});

test("services start by their dependencies, and a job that fails takes the release back", async () => {
  const world = createFakeWorld();
  world.start();
  const needs = (condition: "service_healthy" | "service_completed_successfully") => ({
    condition,
    required: true,
    restart: false,
  });
  const app = (code: number) =>
    makeRelease({
      registry: world.registry,
      app: fakeApp({
        db: fakeService({ image: "db:1" }),
        migrate: fakeService({
          image: `migrate:${code}`,
          restart: { policy: "no" },
          dependsOn: { db: needs("service_healthy") },
        }),
        web: fakeService({ image: "web:1", dependsOn: { migrate: needs("service_completed_successfully") } }),
      }),
      images: { "db:1": healthy, [`migrate:${code}`]: { kind: "exits", afterMs: 1000, code }, "web:1": healthy },
    });
  const v1 = app(0);
  world.run(v1);
  await world.settled();
  assert.equal(world.state()?.release, v1, "a job that is done counts as running");
  const started = world.engine.calls.filter((call) => call.startsWith("start")).map((call) => call.split("-")[1]);
  assert.deepEqual(started, ["db", "migrate", "web"]);
  world.run(app(3));
  await world.until(() => world.verdict()?.kind === "rollback");
  assert.match(world.verdict()?.reason ?? "", /service migrate: stopped with exit code 3/);
  await world.settled();
  assert.equal(world.state()?.release, v1);
  await world.stop();
});

test("a container that does not stay up is started again at growing intervals", async () => {
  const world = createFakeWorld();
  world.start();
  await commit(world, "1", { restart: { policy: "no" } });
  const [name] = world.engine.running();
  world.engine.calls.length = 0;
  for (let minute = 0; minute < 120; minute++) {
    world.engine.kill(name!, 1);
    await world.clock.advance(30_000);
  }
  const starts = world.engine.calls.filter((call) => call.startsWith("start")).length;
  assert.ok(starts >= 4 && starts <= 16, `${starts} starts in an hour`);
  await world.stop();
});

test("containers whose network is gone are made anew", async () => {
  const world = createFakeWorld();
  world.start();
  const v1 = await commit(world, "1");
  world.fetcher.online = false;
  world.engine.loseNetwork("shop_default");
  assert.ok(await world.until(() => world.engine.running().length === 1, 600_000));
  await world.settled();
  assert.equal(world.state()?.release, v1);
  await world.stop();
});
