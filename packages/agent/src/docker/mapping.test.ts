import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { asDigest } from "@flotilla/base/digest";
import type { Service } from "@flotilla/compose/app";
import { type ContainerSpec, LABELS } from "../ports.ts";
import { parseEngineAddress } from "./address.ts";
import { containerBody } from "./container-body.ts";
import { endpointsOf } from "./endpoints.ts";
import { imageStoreOf } from "./facts.ts";
import { foldersToStage } from "./files.ts";
import { repositoryName, tagFor } from "./images.ts";
import { demultiplexed } from "./logs.ts";
import { readProgress } from "./progress.ts";
import { stagedMounts } from "./staged-files.ts";
import { serviceOf } from "./testing.ts";

const IMAGE = asDigest(`sha256:${"a".repeat(64)}`);

function bodyOf(changes: Partial<Service>, more: Partial<ContainerSpec> = {}, apiMinor = 47) {
  const labels = { [LABELS.app]: "shop", [LABELS.service]: "web" };
  const spec = {
    name: "n",
    image: IMAGE,
    labels,
    service: serviceOf(changes),
    networks: {},
    volumes: {},
    files: [],
    ...more,
  };
  return containerBody(spec, "web:tag", { apiMinor });
}

/** Members of the body, or of its HostConfig, that a change of the service brings about. */
const CASES: readonly [string, Partial<Service>, Readonly<Record<string, unknown>>][] = [
  ["image's own command", {}, { Cmd: undefined, Entrypoint: undefined, User: undefined }],
  ["an entrypoint that was emptied", { entrypoint: [] }, { Entrypoint: [] }],
  ["no network", {}, { NetworkMode: "none" }],
  [
    "the host's network",
    { networkMode: "host", networks: { a: {} } },
    { NetworkMode: "host", NetworkingConfig: { EndpointsConfig: {} } },
  ],
  ["no health check", { healthcheck: { test: ["NONE"] } }, { Healthcheck: { Test: ["NONE"] } }],
  [
    "a health check in nanoseconds",
    {
      healthcheck: {
        test: ["CMD", "x"],
        intervalMs: 1500,
        timeoutMs: 20,
        startPeriodMs: 0,
        startIntervalMs: 5,
        retries: 2,
      },
    },
    {
      Healthcheck: {
        Test: ["CMD", "x"],
        Interval: 1.5e9,
        Timeout: 2e7,
        StartPeriod: 0,
        StartInterval: 5e6,
        Retries: 2,
      },
    },
  ],
  ["a stop in whole seconds", { stopGracePeriodMs: 1500 }, { StopTimeout: 2 }],
  [
    "ports, published and not",
    {
      ports: [
        { target: 80, published: "8080", hostIp: "::1", protocol: "tcp" },
        { target: 80, published: "8081", protocol: "tcp" },
        { target: 53, protocol: "udp" },
      ],
      expose: ["9", "7/udp"],
    },
    {
      ExposedPorts: { "80/tcp": {}, "53/udp": {}, "9/tcp": {}, "7/udp": {} },
      PortBindings: {
        "80/tcp": [
          { HostIp: "::1", HostPort: "8080" },
          { HostIp: "", HostPort: "8081" },
        ],
        "53/udp": [{ HostIp: "", HostPort: "" }],
      },
    },
  ],
  [
    "rotation of the driver's own",
    { logging: { driver: "local", options: { "max-size": "1m" } } },
    { LogConfig: { Type: "local", Config: { "max-size": "1m", "max-file": "3" } } },
  ],
  [
    "no rotation where it means nothing",
    { logging: { driver: "journald", options: {} } },
    { LogConfig: { Type: "journald", Config: {} } },
  ],
  [
    "a bind that makes its folder",
    { mounts: [{ kind: "bind", source: "/a", target: "/b", readOnly: true }] },
    { Binds: ["/a:/b:ro"], Mounts: [] },
  ],
  [
    "a bind with a colon in its name",
    { mounts: [{ kind: "bind", source: "/a:b", target: "/c", readOnly: false }] },
    { Binds: [], Mounts: [{ Type: "bind", Source: "/a:b", Target: "/c", ReadOnly: false }] },
  ],
  [
    "volumes by their engine names",
    { mounts: [{ kind: "volume", volume: "data", target: "/d", readOnly: true, noCopy: true }] },
    {
      Mounts: [{ Type: "volume", Source: "shop_data", Target: "/d", ReadOnly: true, VolumeOptions: { NoCopy: true } }],
    },
  ],
  [
    "limits that are not set are left out",
    {},
    { Memory: undefined, NanoCpus: undefined, PidsLimit: undefined, ShmSize: undefined },
  ],
];

describe("mapping onto the Engine API", () => {
  for (const [name, changes, expected] of CASES) {
    it(`gives ${name}`, () => {
      const body = bodyOf(changes, { volumes: { data: "shop_data" } });
      const all: Readonly<Record<string, unknown>> = { ...body.HostConfig, ...body };
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(all[key], value, key);
    });
  }

  it("leaves out what an older API refuses", () => {
    const body = bodyOf({ healthcheck: { test: ["CMD", "x"], startIntervalMs: 5 } }, {}, 43);
    assert.deepEqual(body.Healthcheck, { Test: ["CMD", "x"] });
  });

  it("lets no label of the app pass for one of ours", () => {
    const body = bodyOf({ labels: { [LABELS.app]: "other", "io.flotilla.image": "sha256:0", team: "a" } });
    assert.deepEqual(body.Labels, {
      [LABELS.app]: "shop",
      [LABELS.service]: "web",
      "io.flotilla.image": IMAGE,
      team: "a",
    });
  });

  it("answers to the service's name on every network", () => {
    const service = serviceOf({ networks: { a: { aliases: ["web", "www"] }, b: { ipv4Address: "10.0.0.2" } } });
    const spec = {
      name: "n",
      image: IMAGE,
      labels: { [LABELS.service]: "web" },
      service,
      networks: { a: "shop_a", b: "shop_b" },
      volumes: {},
      files: [],
    };
    assert.deepEqual(endpointsOf(spec), [
      { network: "shop_a", body: { Aliases: ["web", "www"] } },
      { network: "shop_b", body: { Aliases: ["web"], IPAMConfig: { IPv4Address: "10.0.0.2" } } },
    ]);
  });

  it("stages files only where they cannot be copied", () => {
    const file = (path: string) => ({ path, content: new Uint8Array(), mode: 0o444, uid: 0, gid: 0 });
    const files = [file("/etc/app/a"), file("/etc/app/b"), file("/data/c"), file("/run/secrets/d")];
    assert.deepEqual(foldersToStage(serviceOf(), files), []);
    assert.deepEqual(foldersToStage(serviceOf({ tmpfs: [{ target: "/run" }] }), files), ["/run/secrets"]);
    const data = { kind: "volume", volume: "v", target: "/data", readOnly: false } as const;
    assert.deepEqual(foldersToStage(serviceOf({ readOnly: true, mounts: [data] }), files), [
      "/etc/app",
      "/run/secrets",
    ]);
    assert.deepEqual(foldersToStage(serviceOf({ tmpfs: [{ target: "/running" }] }), files), []);
  });

  it("mounts a staged folder writable only where another lies within", () => {
    const mounts = stagedMounts([
      { volume: "v0", target: "/etc" },
      { volume: "v1", target: "/etc/app" },
    ]) as { ReadOnly: boolean }[];
    assert.deepEqual(
      mounts.map(({ ReadOnly }) => ReadOnly),
      [false, true],
    );
  });
});

describe("names of images", () => {
  for (const [name, expected] of [
    ["default/web", "default/web"],
    ["registry.example:5000/team/Web:1.2", "team/web"],
    ["a/b/c@sha256:00", "b/c"],
    ["web:1", "web"],
    ["///", "flotilla"],
    ["../..", "flotilla"],
  ] as const)
    it(`makes ${expected} of ${name}`, () => assert.equal(repositoryName(name), expected));
  it("carries the config digest in the tag", () => assert.equal(tagFor("x/web", IMAGE), `x/web:${"a".repeat(64)}`));
});

describe("answers of the engine", () => {
  it("tells the image stores apart", () => {
    assert.equal(imageStoreOf({ Driver: "overlay2", DriverStatus: [["Backing Filesystem", "extfs"]] }), "overlay2");
    assert.equal(
      imageStoreOf({ Driver: "overlayfs", DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] }),
      "containerd",
    );
    assert.equal(imageStoreOf({}), "");
  });

  it("takes a multiplexed log apart wherever its chunks are cut", async () => {
    const frame = (text: string) => Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
    const bytes = Buffer.concat([frame("one\n"), frame(""), frame("two\n")]);
    for (let size = 1; size <= bytes.length; size++) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      let text = "";
      for await (const chunk of demultiplexed(streamOf(chunks))) text += Buffer.from(chunk).toString();
      assert.equal(text, "one\ntwo\n", `chunks of ${size}`);
    }
  });

  for (const [name, lines, failure] of [
    ["nothing", "", undefined],
    ["success", '{"stream":"Loaded image: a"}\n{"status":"x"}', undefined],
    ["an error after success", '{"stream":"Loaded image: a"}\n{"error":"no blob"}\n', /no blob/],
    ["an error in the last line, unended", '{"errorDetail":{"message":"full"}}', /full/],
    ["something else", "<html>", /no JSON/],
  ] as const) {
    it(`reads ${name} in the progress`, async () => {
      const chunks = [...lines].map((character) => Buffer.from(character));
      if (failure === undefined) await readProgress(streamOf(chunks));
      else await assert.rejects(readProgress(streamOf(chunks)), failure);
    });
  }

  it("reads addresses as DOCKER_HOST has them", () => {
    assert.deepEqual(parseEngineAddress("unix:///run/d.sock"), { kind: "unix", path: "/run/d.sock" });
    assert.deepEqual(parseEngineAddress("tcp://127.0.0.1:2375"), { kind: "tcp", host: "127.0.0.1", port: 2375 });
    assert.deepEqual(parseEngineAddress("tcp://[::1]:2375"), { kind: "tcp", host: "::1", port: 2375 });
    for (const bad of ["", "/run/d.sock", "ssh://host", "tcp://host"])
      assert.throws(() => parseEngineAddress(bad), { code: "bad-engine-address" });
  });
});

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
