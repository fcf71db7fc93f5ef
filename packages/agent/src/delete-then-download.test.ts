import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import type { Behaviour } from "./behaviour.fake.ts";
import { LABELS } from "./ports.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { createFakeWorld, type FakeWorld } from "./world.fake.ts";

const healthy: Behaviour = { kind: "healthy", afterMs: 500 };
const unhealthy: Behaviour = { kind: "unhealthy", afterMs: 500 };

function release(world: FakeWorld, version: string, behaviour: Behaviour) {
  const image = `web:${version}`;
  const services = {
    web: fakeService({ image, strategy: "delete-then-download" }),
    worker: fakeService({ image: `worker:${version}` }),
  };
  return makeRelease({ registry: world.registry, app: fakeApp(services), images: { [image]: behaviour } });
}

const layerOf = (image: string) => sha256(`layer of ${image}`);

async function running(world: FakeWorld): Promise<readonly string[]> {
  const { containers } = await world.engine.list();
  return containers.filter(({ state }) => state === "running").map(({ labels }) => labels[LABELS.service] ?? "");
}

async function runsFirst() {
  const world = createFakeWorld();
  world.start();
  const old = release(world, "1", healthy);
  world.run(old);
  assert.ok(await world.settled());
  return { world, old };
}

test("the old image and its blobs are gone before the new one comes; other services are fetched before", async () => {
  const { world } = await runsFirst();
  const seen: string[][] = [];
  const fetch = world.fetcher.fetch.bind(world.fetcher);
  world.fetcher.fetch = async (blob, onProgress, signal) => {
    if (blob.digest === layerOf("web:2")) {
      assert.equal(world.blobs.content.has(layerOf("web:1") as never), false, "the old layer is gone");
      seen.push([...(await running(world))]);
    }
    if (blob.digest === layerOf("worker:2")) seen.push([...(await running(world))].sort());
    return fetch(blob, onProgress, signal);
  };
  const next = release(world, "2", healthy);
  world.run(next);
  assert.ok(await world.settled());
  assert.deepEqual(seen, [["web", "worker"], ["worker"]]);
  assert.equal(world.state()?.release, next);
  assert.equal(world.verdict()?.kind, "commit");
  await world.stop();
});

test("a bad one is put back from the server, and only then reported; without the network it waits and blames nobody", async () => {
  const { world, old } = await runsFirst();
  const bad = release(world, "2", unhealthy);
  world.run(bad);
  const web2 = layerOf("web:2");
  assert.ok(await world.until(() => world.fetcher.fetched.includes(web2), 60_000, 100));
  world.fetcher.online = false;
  assert.ok(await world.until(() => world.state()?.phase === "restoring", 300_000));
  await world.until(() => false, 1_800_000, 5000);
  assert.equal(world.state()?.phase, "restoring", "it goes on trying");
  assert.equal(world.state()?.release, undefined, "nothing is claimed to run");
  assert.notEqual(world.verdict()?.kind, "rollback");
  assert.deepEqual(await running(world), ["worker"], "the other service is back");
  world.fetcher.online = true;
  assert.ok(await world.settled());
  assert.equal(world.verdict()?.kind, "rollback");
  assert.match(world.verdict()?.reason ?? "", /the previous release was restored and runs/);
  assert.equal(world.state()?.release, old);
  await world.stop();
});

test("a network that goes away in the middle is waited for, whatever it takes, and the release is not blamed", async () => {
  const { world } = await runsFirst();
  const fetch = world.fetcher.fetch.bind(world.fetcher);
  world.fetcher.fetch = async (blob, onProgress, signal) => {
    if (blob.digest === layerOf("web:2") && !world.fetcher.fetched.includes("cut")) {
      world.fetcher.fetched.push("cut");
      world.fetcher.online = false;
    }
    return fetch(blob, onProgress, signal);
  };
  const next = release(world, "2", healthy);
  world.run(next);
  assert.ok(await world.until(() => world.state()?.phase === "waiting" && !world.fetcher.online));
  await world.until(() => false, 1_800_000, 5000);
  assert.notEqual(world.verdict()?.release, next, "undecided");
  world.fetcher.online = true;
  assert.ok(await world.settled());
  assert.equal(world.state()?.release, next);
  assert.equal(world.verdict()?.kind, "commit");
  await world.stop();
});
