import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson } from "@flotilla/base/canonical-json";
import type { NormalisedApp, Service } from "@flotilla/compose/app";
import { sha256 } from "@flotilla/oci/hash";
import type { Platform } from "@flotilla/oci/platform";
import { createMemoryBlobs, createMemoryFetcher, type MemoryRegistry } from "./device.fake.ts";
import { LABELS } from "./ports.ts";
import { fakeApp, fakeService, makeRelease } from "./release.fake.ts";
import { loadRelease } from "./release.ts";
import { buildInstance, containerSpec, type Instance, networkNames, platformOf } from "./spec.ts";

const AMD64: Platform = { os: "linux", architecture: "amd64" };

async function build(
  app: NormalisedApp,
  given: Readonly<Record<string, string>> = {},
  engine = AMD64,
): Promise<Instance> {
  const registry: MemoryRegistry = new Map();
  const release = makeRelease({ registry, app });
  const blobs = createMemoryBlobs();
  const held = { release, repository: "default/shop", app: "shop" };
  const loaded = await loadRelease(
    held,
    { blobs, fetcher: createMemoryFetcher(registry, blobs) },
    AbortSignal.timeout(10_000),
  );
  const pair = { release, repository: "default/shop", variables: given, variablesHash: sha256(canonicalJson(given)) };
  return buildInstance("shop", loaded, pair, engine);
}

const web = (given: Partial<Service> = {}) => fakeApp({ web: fakeService({ image: "web:1", ...given }) });
const hashOf = (instance: Instance) => instance.services[0]?.replicas[0]?.specHash;
const base = hashOf(await build(web()));

const same: readonly [string, Partial<Service>][] = [
  ["replicas", { replicas: 3 }],
  ["a probe", { probe: { kind: "tcp", port: 80, deadlineMs: 1000 } }],
  ["restart: always for unless-stopped", { restart: { policy: "always" } }],
  [
    "the logging that is the default",
    { logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } } },
  ],
];
for (const [name, given] of same) {
  test(`${name} does not make another container`, async () => assert.equal(hashOf(await build(web(given))), base));
}

const other: readonly [string, NormalisedApp][] = [
  ["the image", fakeApp({ web: fakeService({ image: "web:2" }) })],
  ["the environment", web({ environment: { A: "1" } })],
  ["the command", web({ command: ["serve"] })],
  [
    "options of its network",
    fakeApp({ web: fakeService({ image: "web:1" }) }, { networks: { default: { internal: true } } }),
  ],
];
for (const [name, app] of other) {
  test(`${name} makes another container`, async () => assert.notEqual(hashOf(await build(app)), base));
}

test("names carry app, service, replica and the start of the hash", async () => {
  const instance = await build(web({ replicas: 2 }));
  const [service] = instance.services;
  assert.deepEqual(
    service?.replicas.map(({ name }) => name),
    [`shop-web-1-${base?.slice(0, 8)}`, `shop-web-2-${base?.slice(0, 8)}`],
  );
  const spec = containerSpec(instance, service!, service!.replicas[1]!, networkNames(instance, []));
  assert.deepEqual(spec.networks, { default: "shop_default" });
  assert.equal(spec.labels[LABELS.replica], "2");
  assert.equal(spec.labels[LABELS.release], instance.held.release);
  assert.deepEqual(spec.service.restart, { policy: "unless-stopped" });
  assert.equal(spec.service.logging?.options["max-size"], "10m");
});

test("an app's own label cannot pass for ours", async () => {
  const instance = await build(web({ labels: { [LABELS.app]: "other", mine: "1" } }));
  const [service] = instance.services;
  const { labels } = containerSpec(instance, service!, service!.replicas[0]!, {});
  assert.deepEqual([labels[LABELS.app], labels["mine"]], ["shop", "1"]);
});

test("configs and secrets become files; a secret's value is the variable of its name", async () => {
  const app = fakeApp(
    {
      web: fakeService({
        image: "web:1",
        configs: [{ source: "motd", target: "/etc/motd", mode: 0o400, uid: "7" }],
        secrets: [{ source: "key", target: "/run/secrets/key" }],
      }),
    },
    {
      configs: { motd: { kind: "content", content: "hei $" + "{SITE}" } },
      secrets: { key: { kind: "variable", variable: "KEY" } },
      variables: { SITE: {}, KEY: {} },
    },
  );
  const instance = await build(app, { SITE: "oslo", KEY: "s3cret" });
  const files = instance.services[0]?.replicas[0]?.files.map((file) => ({
    ...file,
    content: new TextDecoder().decode(file.content),
  }));
  assert.deepEqual(files, [
    { path: "/etc/motd", content: "hei oslo", mode: 0o400, uid: 7, gid: 0 },
    { path: "/run/secrets/key", content: "s3cret", mode: 0o444, uid: 0, gid: 0 },
  ]);
  assert.notEqual(hashOf(instance), hashOf(await build(app, { SITE: "oslo", KEY: "other" })));
  await assert.rejects(build(app, { SITE: "oslo" }), { code: "variable-missing" });
});

test("services stand after what they depend on; a ring is refused", async () => {
  const needs = (...names: string[]) =>
    Object.fromEntries(
      names.map((name) => [name, { condition: "service_started", required: true, restart: false } as const]),
    );
  const app = fakeApp({
    a: fakeService({ image: "a:1", dependsOn: needs("c") }),
    b: fakeService({ image: "b:1" }),
    c: fakeService({ image: "c:1", dependsOn: needs("b") }),
  });
  assert.deepEqual(
    (await build(app)).services.map(({ name }) => name),
    ["b", "c", "a"],
  );
  const ring = fakeApp({
    a: fakeService({ image: "a:1", dependsOn: needs("b") }),
    b: fakeService({ image: "b:1", dependsOn: needs("a") }),
  });
  await assert.rejects(build(ring), { code: "dependency-cycle" });
});

test("an image for no platform of the device is refused, with what there is", async () => {
  const arm = { os: "linux", architecture: "arm64" };
  await assert.rejects(build(web(), {}, arm), {
    code: "architecture-unsupported",
    message: /linux\/amd64.*linux\/arm64/,
  });
});

test("the engine's words for a platform become OCI's", () => {
  const engine = {
    version: "",
    api: "",
    imageStore: "",
    kernel: "",
    cpus: 1,
    memoryBytes: 1,
    rootDir: "",
    os: "linux",
  };
  assert.deepEqual(platformOf({ ...engine, architecture: "x86_64" }), AMD64);
  assert.deepEqual(platformOf({ ...engine, architecture: "armv7l" }), {
    os: "linux",
    architecture: "arm",
    variant: "v7",
  });
});
