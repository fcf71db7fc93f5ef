import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import { createMemoryBlobs, createMemoryFetcher, type MemoryRegistry } from "./device.fake.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { loadRelease } from "./release.ts";
import { buildInstance, containerSpec, type Instance } from "./spec.ts";
import { createFakeWorld } from "./world.fake.ts";

const sidecar = fakeService({ image: "side:1", networkMode: "service:zoo", networks: {} });
const appWith = (version: string) => fakeApp({ app: sidecar, zoo: fakeService({ image: `zoo:${version}` }) });

async function instanceOf(version: string): Promise<Instance> {
  const registry: MemoryRegistry = new Map();
  const release = makeRelease({ registry, app: appWith(version) });
  const blobs = createMemoryBlobs();
  const ports = { blobs, fetcher: createMemoryFetcher(registry, blobs) };
  const held = { release, repository: "default/shop", app: "shop" };
  const loaded = await loadRelease(held, ports, AbortSignal.timeout(10_000));
  const pair = { release, repository: "default/shop", variables: {}, variablesHash: sha256("{}") };
  return buildInstance("shop", loaded, pair, { os: "linux", architecture: "amd64" });
}

test("a service that shares a namespace stands after the other, names its container, and is replaced with it", async () => {
  const [one, two] = [await instanceOf("1"), await instanceOf("2")];
  assert.deepEqual(
    one.services.map(({ name }) => name),
    ["zoo", "app"],
  );
  const [zoo, app] = one.services;
  const replica = app!.replicas[0]!;
  const spec = containerSpec(one, app!, replica, { default: "shop_default" });
  assert.deepEqual(spec.shared, { zoo: zoo!.replicas[0]!.name });
  assert.deepEqual(spec.networks, {});
  assert.notEqual(two.services[1]!.replicas[0]!.specHash, replica.specHash);
  assert.equal((await instanceOf("1")).services[1]!.replicas[0]!.specHash, replica.specHash);
});

test("both run, and both are new after an update of the one that is shared", async () => {
  const world = createFakeWorld();
  world.start();
  world.run(makeRelease({ registry: world.registry, app: appWith("1") }));
  await world.settled();
  const before = world.engine.running();
  assert.equal(before.length, 2);
  world.run(makeRelease({ registry: world.registry, app: appWith("2") }));
  await world.settled();
  assert.equal(world.verdict()?.kind, "commit");
  assert.deepEqual(
    world.engine.running().filter((name) => before.includes(name)),
    [],
  );
  await world.stop();
});
