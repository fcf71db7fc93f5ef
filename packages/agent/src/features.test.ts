import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { Network, Service } from "@flotilla/compose/app";
import { checkFeatures } from "./features.ts";
import type { EngineFacts } from "./ports.ts";
import { fakeService } from "./release.fake.ts";
import type { Instance } from "./spec.ts";

const ENGINE: EngineFacts = {
  version: "28.0.0",
  api: "1.48",
  imageStore: "overlay2",
  architecture: "amd64",
  os: "linux",
  kernel: "6.1.0",
  cpus: 4,
  memoryBytes: 2 ** 32,
  rootDir: "/var/lib/docker",
  runtimes: ["runc"],
  cgroupVersion: "2",
};

function instanceOf(given: Partial<Service>, network: Network = {}): Instance {
  const service = fakeService({ image: "web:1", ...given });
  const digest = asDigest(`sha256:${"a".repeat(64)}`);
  return {
    app: "shop",
    held: { release: digest, repository: "default/shop", variables: {}, variablesHash: digest },
    services: [{ name: "web", service, replicas: [], completes: false }],
    networks: [{ key: "back", specHash: "", network }],
    volumes: [],
    images: [],
    ownBlobs: [],
  };
}

/** What a service asks for, the API that is too old for it and the one that has it. */
const BY_API: readonly (readonly [what: string, given: Partial<Service>, tooOld: string, has: string])[] = [
  ["cgroup", { cgroupMode: "host" }, "1.40", "1.41"],
  ["annotations", { annotations: { a: "b" } }, "1.42", "1.43"],
  ["start_interval", { healthcheck: { test: ["CMD", "x"], startIntervalMs: 5 } }, "1.43", "1.44"],
  ["mac_address", { networks: { back: { macAddress: "02:42:ac:11:00:02" } } }, "1.43", "1.44"],
  [
    "recursive",
    { mounts: [{ kind: "bind", source: "/a", target: "/a", readOnly: true, recursive: "readonly" }] },
    "1.43",
    "1.44",
  ],
  [
    "subpath",
    { mounts: [{ kind: "volume", volume: "v", target: "/v", readOnly: false, subpath: "a" }] },
    "1.44",
    "1.45",
  ],
  ["gw_priority", { networks: { back: { gatewayPriority: 1 } } }, "1.47", "1.48"],
  ["interface_name", { networks: { back: { interfaceName: "eth9" } } }, "1.48", "1.49"],
];
for (const [what, given, tooOld, has] of BY_API)
  test(`${what} is refused with API ${tooOld} and taken with ${has}`, () => {
    const refusal = checkFeatures(instanceOf(given), { ...ENGINE, api: tooOld });
    assert.equal(refusal?.code, "engine-too-old");
    assert.match(
      refusal?.reason ?? "",
      new RegExp(`service web: .*${what} needs engine API ${has}, this one has ${tooOld}`),
    );
    assert.equal(checkFeatures(instanceOf(given), { ...ENGINE, api: has }), undefined);
  });

test("a network without IPv4 needs an engine that can", () => {
  const instance = instanceOf({}, { enableIpv4: false });
  assert.match(checkFeatures(instance, { ...ENGINE, api: "1.47" })?.reason ?? "", /network back: enable_ipv4 needs/);
  assert.equal(checkFeatures(instance, ENGINE), undefined);
});

const BY_DEVICE: readonly (readonly [
  given: Partial<Service>,
  engine: Partial<EngineFacts>,
  told: RegExp | undefined,
])[] = [
  [{ resources: { cpus: 5 } }, {}, /asks for 5 cpus, this device has 4/],
  [{ resources: { cpuset: "0-1,4" } }, {}, /names processor 4, this device has 4, from 0/],
  [{ resources: { cpuset: "0-3" } }, {}, undefined],
  [{ runtime: "nvidia" }, {}, /no runtime nvidia: it has runc/],
  [{ runtime: "nvidia" }, { runtimes: ["nvidia", "runc"] }, undefined],
  [{ resources: { memorySwappiness: 0 } }, {}, /mem_swappiness needs cgroup v1/],
  [{ resources: { oomKillDisable: true } }, {}, /oom_kill_disable needs cgroup v1/],
  [{ resources: { cpuRealtimeRuntimeUs: 1 } }, {}, /cpu_rt_runtime needs cgroup v1/],
  [{ resources: { memorySwappiness: 0 } }, { cgroupVersion: "1" }, undefined],
];
for (const [given, engine, told] of BY_DEVICE)
  test(`${JSON.stringify(given)} on ${JSON.stringify(engine)}: ${told?.source ?? "taken"}`, () => {
    const refusal = checkFeatures(instanceOf(given), { ...ENGINE, ...engine });
    if (told === undefined) assert.equal(refusal, undefined);
    else assert.match(refusal?.reason ?? "", told);
  });
