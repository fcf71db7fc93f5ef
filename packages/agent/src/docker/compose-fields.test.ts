import assert from "node:assert/strict";
import { test } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { Network, Service } from "@flotilla/compose/app";
import { type ContainerSpec, LABELS } from "../ports.ts";
import { containerBody } from "./container-body.ts";
import { endpointsOf } from "./endpoints.ts";
import { execBody } from "./exec.ts";
import { networkBody } from "./networks.ts";
import { serviceOf } from "./testing.ts";

function specOf(changes: Partial<Service>): ContainerSpec {
  return {
    name: "n",
    image: asDigest(`sha256:${"a".repeat(64)}`),
    labels: { [LABELS.app]: "shop", [LABELS.service]: "web" },
    service: serviceOf(changes),
    networks: { a: "shop_a", b: "shop_b" },
    volumes: { data: "shop_data" },
    shared: { db: "shop-db-1-0123abcd" },
    files: [],
  };
}

/** Fields of a service, and the members of the body or of its HostConfig that they become (Engine API, POST /containers/create). */
const BODIES: readonly (readonly [given: Partial<Service>, expected: Readonly<Record<string, unknown>>])[] = [
  [
    { networkMode: "service:db" },
    { NetworkMode: "container:shop-db-1-0123abcd", NetworkingConfig: { EndpointsConfig: {} } },
  ],
  [
    { pidMode: "service:db", ipcMode: "service:db" },
    { PidMode: "container:shop-db-1-0123abcd", IpcMode: "container:shop-db-1-0123abcd" },
  ],
  [
    { pidMode: "host", ipcMode: "shareable" },
    { PidMode: "host", IpcMode: "shareable" },
  ],
  [
    { utsMode: "host", usernsMode: "host", cgroupMode: "private", cgroupParent: "apps.slice" },
    { UTSMode: "host", UsernsMode: "host", CgroupnsMode: "private", CgroupParent: "apps.slice" },
  ],
  [
    { runtime: "runsc", annotations: { a: "b" } },
    { Runtime: "runsc", Annotations: { a: "b" } },
  ],
  [
    { domainname: "example.org", dnsOptions: ["ndots:1"], dnsSearch: ["example.org"] },
    { Domainname: "example.org", DnsOptions: ["ndots:1"], DnsSearch: ["example.org"] },
  ],
  [{ deviceCgroupRules: ["c 1:3 rwm"] }, { DeviceCgroupRules: ["c 1:3 rwm"] }],
  [
    { deviceRequests: [{ count: -1, capabilities: ["gpu", "utility"] }] },
    { DeviceRequests: [{ Count: -1, Capabilities: [["gpu", "utility"]] }] },
  ],
  [
    { deviceRequests: [{ driver: "cdi", deviceIds: ["x/y=0"], capabilities: ["gpu"], options: { a: "b" } }] },
    { DeviceRequests: [{ Driver: "cdi", DeviceIDs: ["x/y=0"], Capabilities: [["gpu"]], Options: { a: "b" } }] },
  ],
  [
    { resources: { memoryBytes: 64, memorySwapBytes: -1, memorySwappiness: 0, oomKillDisable: true, oomScoreAdj: -5 } },
    { Memory: 64, MemorySwap: -1, MemorySwappiness: 0, OomKillDisable: true, OomScoreAdj: -5 },
  ],
  [
    { resources: { cpuset: "0,1", cpuShares: 512, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000 } },
    { CpusetCpus: "0,1", CpuShares: 512, CpuQuota: 50_000, CpuPeriod: 100_000 },
  ],
  [{ resources: { cpuRealtimePeriodUs: 1, cpuRealtimeRuntimeUs: 2 } }, { CpuRealtimePeriod: 1, CpuRealtimeRuntime: 2 }],
  [
    { mounts: [{ kind: "bind", source: "/a", target: "/b", readOnly: true, selinux: "z", propagation: "rshared" }] },
    { Binds: ["/a:/b:ro,z,rshared"], Mounts: [] },
  ],
  [
    {
      mounts: [
        { kind: "bind", source: "/a", target: "/b", readOnly: false, createHostPath: false, propagation: "slave" },
      ],
    },
    {
      Binds: [],
      Mounts: [{ Type: "bind", Source: "/a", Target: "/b", ReadOnly: false, BindOptions: { Propagation: "slave" } }],
    },
  ],
  ...(["disabled", "writable", "readonly"] as const).map(
    (recursive, at) =>
      [
        { mounts: [{ kind: "bind", source: "/a", target: "/b", readOnly: true, recursive }] },
        {
          Mounts: [
            {
              Type: "bind",
              Source: "/a",
              Target: "/b",
              ReadOnly: true,
              BindOptions: { [["NonRecursive", "ReadOnlyNonRecursive", "ReadOnlyForceRecursive"][at] ?? ""]: true },
            },
          ],
        },
      ] as const,
  ),
  [
    { mounts: [{ kind: "volume", volume: "data", target: "/d", readOnly: false, subpath: "a/b" }] },
    {
      Mounts: [
        { Type: "volume", Source: "shop_data", Target: "/d", ReadOnly: false, VolumeOptions: { Subpath: "a/b" } },
      ],
    },
  ],
  [
    { mounts: [{ kind: "tmpfs", target: "/t", sizeBytes: 9, mode: 0o1777 }] },
    { Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 9, Mode: 0o1777 } }] },
  ],
];
for (const [given, expected] of BODIES)
  test(`${JSON.stringify(given)} becomes ${Object.keys(expected)}`, () => {
    const body = containerBody(specOf(given), "web:tag", { apiMinor: 48 });
    const all: Readonly<Record<string, unknown>> = { ...body.HostConfig, ...body };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(all[key], value, key);
  });

test("a plain service says nothing of all this", () => {
  const body = containerBody(specOf({}), "web:tag", { apiMinor: 48 });
  const names = new Set(BODIES.flatMap(([, expected]) => Object.keys(expected)));
  for (const always of ["NetworkMode", "NetworkingConfig", "Binds", "Mounts"]) names.delete(always);
  const all: Readonly<Record<string, unknown>> = { ...body.HostConfig, ...body };
  for (const name of names) assert.equal(all[name], undefined, name);
});

test("networks are joined by priority, with what is said of each end", () => {
  const networks = {
    a: { aliases: ["x"], linkLocalIps: ["169.254.1.1"], macAddress: "02:42:ac:11:00:02" },
    b: { priority: 10, gatewayPriority: 1, driverOptions: { o: "1" }, interfaceName: "eth9" },
  };
  assert.deepEqual(endpointsOf(specOf({ networks })), [
    {
      network: "shop_b",
      body: {
        Aliases: ["web"],
        DriverOpts: { o: "1", "com.docker.network.endpoint.ifname": "eth9" },
        GwPriority: 1,
      },
    },
    {
      network: "shop_a",
      body: {
        Aliases: ["web", "x"],
        IPAMConfig: { LinkLocalIPs: ["169.254.1.1"] },
        MacAddress: "02:42:ac:11:00:02",
      },
    },
  ]);
});

const NETWORKS: readonly (readonly [network: Network, expected: Readonly<Record<string, unknown>>])[] = [
  [
    {},
    { Driver: "bridge", Internal: false, Options: {}, IPAM: undefined, EnableIPv6: undefined, Attachable: undefined },
  ],
  [
    { subnet: "10.0.0.0/24", gateway: "10.0.0.1" },
    { IPAM: { Config: [{ Subnet: "10.0.0.0/24", Gateway: "10.0.0.1" }] } },
  ],
  [
    { driver: "macvlan", driverOptions: { parent: "eth0" }, enableIpv4: false, enableIpv6: true, attachable: true },
    { Driver: "macvlan", Options: { parent: "eth0" }, EnableIPv4: false, EnableIPv6: true, Attachable: true },
  ],
  [
    {
      ipam: {
        driver: "null",
        options: { a: "b" },
        pools: [
          { subnet: "10.0.0.0/24", ipRange: "10.0.0.0/28", auxiliaryAddresses: { h: "10.0.0.9" } },
          { subnet: "fd00::/64" },
        ],
      },
    },
    {
      IPAM: {
        Driver: "null",
        Options: { a: "b" },
        Config: [
          { Subnet: "10.0.0.0/24", IPRange: "10.0.0.0/28", AuxiliaryAddresses: { h: "10.0.0.9" } },
          { Subnet: "fd00::/64" },
        ],
      },
    },
  ],
];
for (const [network, expected] of NETWORKS)
  test(`the network ${JSON.stringify(network)} is made so`, () => {
    const body = networkBody({ name: "shop_a", labels: { l: "1" }, network });
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(body[key], value, key);
  });

test("a command runs as its options say, and as the container otherwise", () => {
  const attach = { AttachStdin: false, AttachStdout: false, AttachStderr: false };
  assert.deepEqual(execBody(["x"], {}), { Cmd: ["x"], ...attach });
  const options = { user: "root", workingDir: "/app", privileged: true, environment: { A: "b=c" } };
  assert.deepEqual(execBody(["x", "y"], options), {
    Cmd: ["x", "y"],
    ...attach,
    User: "root",
    WorkingDir: "/app",
    Privileged: true,
    Env: ["A=b=c"],
  });
});
