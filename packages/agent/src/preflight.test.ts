import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import type { Service } from "@flotilla/compose/app";
import { sha256 } from "@flotilla/oci/hash";
import { createFakeHost, createMemoryBlobs, createMemoryFetcher, type MemoryRegistry } from "./device.fake.ts";
import { createFakeEngine } from "./engine.fake.ts";
import {
  checkPreflight,
  hostPorts,
  neededBytes,
  type PreflightFacts,
  takenPorts,
  watermarkBytes,
} from "./preflight.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { loadRelease } from "./release.ts";
import { buildInstance, type Instance } from "./spec.ts";

const MB = 1024 * 1024;

async function instanceOf(service: Partial<Service>): Promise<Instance> {
  const registry: MemoryRegistry = new Map();
  const app = fakeApp({ web: fakeService({ image: "web:1", ...service }) });
  const release = makeRelease({ registry, app });
  const blobs = createMemoryBlobs();
  const held = { release, repository: "default/shop", app: "shop" };
  const loaded = await loadRelease(
    held,
    { blobs, fetcher: createMemoryFetcher(registry, blobs) },
    AbortSignal.timeout(10_000),
  );
  const pair = { release, repository: "default/shop", variables: {}, variablesHash: sha256("{}") };
  return buildInstance("shop", loaded, pair, { os: "linux", architecture: "amd64" });
}

const engine = await createFakeEngine({ clock: new FakeClock() }).facts();
const facts: PreflightFacts = {
  engine,
  freeBytes: 8 * 1024 * MB,
  diskBytes: 32 * 1024 * MB,
  missing: [],
  takenPorts: [],
};
const layer = { sizeBytes: 100 * MB, compressed: true, fetched: false };

const cases: readonly [string, Partial<Service>, Partial<PreflightFacts>, string | undefined, boolean?][] = [
  ["plain", {}, {}, undefined],
  ["as large as the machine", { resources: { memoryBytes: engine.memoryBytes / 2 }, replicas: 2 }, {}, undefined],
  [
    "larger than the machine",
    { resources: { memoryBytes: engine.memoryBytes / 2 + 1 }, replicas: 2 },
    {},
    "memory",
    false,
  ],
  ["wanting too many cpus", { resources: { cpus: 5 } }, {}, "cpus", false],
  [
    "wanting a start interval of an old engine",
    { healthcheck: { test: ["CMD", "true"], startIntervalMs: 100 } },
    { engine: { ...engine, api: "1.41" } },
    "engine-too-old",
    false,
  ],
  ["wanting a start interval", { healthcheck: { test: ["CMD", "true"], startIntervalMs: 100 } }, {}, undefined],
  ["on a taken port", {}, { takenPorts: [{ port: 80, protocol: "tcp", service: "web" }] }, "port-taken", true],
  [
    "larger than the free disk",
    {},
    { missing: [layer], freeBytes: neededBytes([layer]) + watermarkBytes(facts.diskBytes) - 1 },
    "disk",
    true,
  ],
  [
    "just fitting the free disk",
    {},
    { missing: [layer], freeBytes: neededBytes([layer]) + watermarkBytes(facts.diskBytes) },
    undefined,
  ],
  ["already here on a full disk", {}, { freeBytes: 0 }, undefined],
];
for (const [name, service, given, code, mayPass] of cases) {
  test(`a release that is ${name}: ${code ?? "passes"}`, async () => {
    const refusal = checkPreflight(await instanceOf(service), { ...facts, ...given });
    assert.equal(refusal?.code, code);
    if (code !== undefined) assert.equal(refusal?.mayPass, mayPass);
  });
}

test("a blob that is here needs room only in the engine", () => {
  assert.equal(neededBytes([layer]) - neededBytes([{ ...layer, fetched: true }]), layer.sizeBytes);
  assert.ok(neededBytes([{ ...layer, compressed: false }]) < neededBytes([layer]));
});

test("the watermark is a share of the disk between its bounds", () => {
  assert.equal(watermarkBytes(100 * MB), 64 * MB);
  assert.equal(watermarkBytes(4000 * MB), 200 * MB);
  assert.equal(watermarkBytes(1_000_000 * MB), 1024 * MB);
});

test("fixed host ports are found; ranges, free choices and sctp are not checked", async () => {
  const ports = [
    { target: 80, published: "8080", protocol: "tcp" },
    { target: 81, published: "8081", hostIp: "127.0.0.1", protocol: "udp" },
    { target: 82, published: "9000-9010", protocol: "tcp" },
    { target: 83, protocol: "tcp" },
    { target: 84, published: "7000", protocol: "sctp" },
  ] as const;
  const instance = await instanceOf({ ports });
  assert.deepEqual(hostPorts(instance), [
    { port: 8080, protocol: "tcp", service: "web" },
    { port: 8081, protocol: "udp", service: "web", hostIp: "127.0.0.1" },
  ]);
  const host = createFakeHost();
  host.takenPorts.add(8080);
  const nothing = { containers: [], networks: [], volumes: [] };
  assert.equal((await takenPorts(instance, undefined, nothing, host)).length, 1);
  assert.equal(
    (await takenPorts(instance, instance, nothing, host)).length,
    1,
    "its containers do not run: somebody else holds it",
  );
});
