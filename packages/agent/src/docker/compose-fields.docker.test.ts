import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { silentLog } from "@flotilla/base/log";
import type { Network, Service } from "@flotilla/compose/app";
import { type ContainerSpec, LABELS } from "../ports.ts";
import { createDockerEngine } from "./engine.ts";
import { createEngineHttp } from "./http.ts";
import { busyboxImage, memoryBlobs, platformOf, serviceOf, testEngineAddress } from "./testing.ts";

const address = testEngineAddress(process.env);
const APP = `f${process.pid}`;

describe("fields of compose on an engine", { skip: address === undefined && "FLOTILLA_TEST_DOCKER is not set" }, () => {
  const engine = createDockerEngine({ address: address ?? "unix:///none", clock: systemClock, log: silentLog });
  const http = createEngineHttp(address ?? "unix:///none");
  const image = busyboxImage({ "etc/fields": `of ${APP}` });

  async function start(service: string, changes: Partial<Service>, more: Partial<ContainerSpec> = {}): Promise<string> {
    if (!(await engine.hasImage(image.config.digest)))
      await engine.loadImage(platformOf(image), `flotilla-test/${APP}`, memoryBlobs(image));
    const id = await engine.createContainer({
      name: `${APP}-${service}-1`,
      image: image.config.digest,
      labels: { [LABELS.app]: APP, [LABELS.service]: service, [LABELS.replica]: "1" },
      service: serviceOf(changes),
      networks: {},
      volumes: {},
      files: [],
      ...more,
    });
    await engine.startContainer(id);
    return id;
  }

  const network = (name: string, options: Network = {}) =>
    engine.createNetwork({ name: `${APP}_${name}`, labels: { [LABELS.app]: APP }, network: options });

  const inspect = async (path: string) =>
    (await http.json({ method: "GET", path })) as Record<string, Record<string, unknown>>;

  const apiMinor = async () => Number((await engine.facts()).api.split(".")[1]);

  const passes = async (id: string, script: string) =>
    assert.equal(await engine.exec(id, ["sh", "-c", script]), 0, script);

  after(async () => {
    const state = await engine.list();
    for (const { id } of state.containers.filter(({ labels }) => labels[LABELS.app] === APP))
      await engine.removeContainer(id);
    for (const { name } of state.networks.filter(({ app }) => app === APP)) await engine.removeNetwork(name);
    for (const { name } of state.volumes.filter(({ app }) => app === APP))
      await http.call({ method: "DELETE", path: `/volumes/${name}` });
    await engine.removeImage(image.config.digest);
  });

  it("shares the network, the processes and the IPC of another service's container", async () => {
    await network("shared");
    const networks = { shared: `${APP}_shared` };
    const main = await start(
      "main",
      { networks: { shared: {} }, ipcMode: "shareable", command: ["httpd", "-f", "-p", "8080"] },
      { networks },
    );
    const side = await start(
      "side",
      { networkMode: "service:main", pidMode: "service:main", ipcMode: "service:main" },
      { shared: { main: `${APP}-main-1` } },
    );
    await passes(side, "wget -q -O /dev/null http://127.0.0.1:8080/etc/fields");
    await passes(side, "cat /proc/1/cmdline | busybox grep -q httpd");
    assert.deepEqual(await engine.addressOf(side, 8080), await engine.addressOf(main, 8080));
    await engine.removeContainer(side);
    await engine.removeContainer(main);
  });

  it("takes limits, rights and names as they are said", async () => {
    const id = await start("limits", {
      domainname: "example.org",
      hostname: "box",
      dns: ["10.0.0.1"],
      dnsOptions: ["ndots:1"],
      dnsSearch: ["shop.example"],
      deviceCgroupRules: ["c 1:3 rwm"],
      annotations: { "org.example": "a" },
      cgroupMode: "private",
      runtime: "runc",
      securityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "no-new-privileges:true"],
      resources: { memoryBytes: 2 ** 26, memorySwapBytes: 2 ** 27, oomScoreAdj: 100, cpuset: "0", cpuShares: 512 },
      networkMode: "bridge",
    });
    const { HostConfig: host, Config: config } = await inspect(`/containers/${id}/json`);
    assert.deepEqual(
      [host!["MemorySwap"], host!["OomScoreAdj"], host!["CpusetCpus"], host!["CpuShares"], host!["Runtime"]],
      [2 ** 27, 100, "0", 512, "runc"],
    );
    assert.equal(host!["CgroupnsMode"], "private");
    // Older engines drop annotations and subpath without a word: preflight refuses them there (features.ts).
    if ((await apiMinor()) >= 43) assert.deepEqual(host!["Annotations"], { "org.example": "a" });
    assert.equal(config!["Domainname"], "example.org");
    await passes(id, "cat /etc/resolv.conf | busybox grep -q 'search shop.example'");
    await passes(id, "cat /etc/resolv.conf | busybox grep -q ndots:1");
    await engine.removeContainer(id);
  });

  it("mounts with propagation, a part of a volume, and a tmpfs with its mode", async () => {
    await engine.createVolume({ name: `${APP}_data`, labels: { [LABELS.app]: APP }, volume: {} });
    const volumes = { data: `${APP}_data` };
    const data = { kind: "volume", volume: "data", target: "/data", readOnly: false } as const;
    const first = await start("fill", { mounts: [data] }, { volumes });
    await passes(first, "busybox mkdir -p /data/part && echo x > /data/part/file");
    await engine.removeContainer(first);
    const withSubpath = (await apiMinor()) >= 45;
    const id = await start(
      "mounts",
      {
        mounts: [
          withSubpath ? { ...data, subpath: "part" } : data,
          { kind: "tmpfs", target: "/scratch", sizeBytes: 2 ** 20, mode: 0o700 },
          {
            kind: "bind",
            source: "/etc",
            target: "/host",
            readOnly: true,
            createHostPath: false,
            propagation: "rprivate",
          },
        ],
      },
      { volumes },
    );
    await passes(id, `[ -f /data/${withSubpath ? "" : "part/"}file ]`);
    await passes(id, '[ "$(stat -c %a /scratch)" = 700 ] && [ -d /host ]');
    await engine.removeContainer(id);
    const absent = {
      kind: "bind",
      source: `/no/${APP}`,
      target: "/x",
      readOnly: false,
      createHostPath: false,
    } as const;
    await assert.rejects(start("absent", { mounts: [absent] }), /bind source path does not exist|no such file/i);
  });

  it("makes networks with several pools, and joins them as their ends say", async () => {
    await network("pools", {
      attachable: true,
      ipam: { pools: [{ subnet: "10.214.9.0/24", ipRange: "10.214.9.128/25", gateway: "10.214.9.1" }] },
    });
    await network("other", { driverOptions: { "com.docker.network.bridge.enable_icc": "true" } });
    const made = await inspect(`/networks/${APP}_pools`);
    assert.deepEqual((made["IPAM"] as Record<string, unknown>)["Config"], [
      { Subnet: "10.214.9.0/24", IPRange: "10.214.9.128/25", Gateway: "10.214.9.1" },
    ]);
    const id = await start(
      "ends",
      { networks: { other: {}, pools: { priority: 5, ipv4Address: "10.214.9.130", macAddress: "02:42:00:00:99:99" } } },
      { networks: { pools: `${APP}_pools`, other: `${APP}_other` } },
    );
    const { NetworkSettings: settings, HostConfig: host } = await inspect(`/containers/${id}/json`);
    const ends = settings!["Networks"] as Record<string, Record<string, unknown>>;
    assert.equal(ends[`${APP}_pools`]!["IPAddress"], "10.214.9.130");
    if ((await apiMinor()) >= 44) assert.equal(ends[`${APP}_pools`]!["MacAddress"], "02:42:00:00:99:99");
    assert.equal(host!["NetworkMode"], `${APP}_pools`, "the one of the highest priority comes first");
    assert.ok(ends[`${APP}_other`] !== undefined);
    await engine.removeContainer(id);
  });

  it("runs a hook as its user, in its folder, with its environment", async () => {
    const id = await start("hooks", { user: "12" });
    const script = '[ "$(id -u)" = 0 ] && [ "$MODE" = "a=b" ] && [ "$(busybox pwd)" = /tmp ]';
    const options = { user: "root", workingDir: "/tmp", environment: { MODE: "a=b" } };
    assert.equal(await engine.exec(id, ["sh", "-c", script], undefined, options), 0);
    assert.equal(await engine.exec(id, ["sh", "-c", script]), 1);
    await engine.removeContainer(id);
  });

  it("tells its runtimes and its cgroups", async () => {
    const facts = await engine.facts();
    assert.ok(facts.runtimes?.includes("runc"));
    assert.match(facts.cgroupVersion ?? "", /^[12]$/);
  });
});
