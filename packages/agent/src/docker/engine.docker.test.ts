import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, describe, it } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { silentLog } from "@flotilla/base/log";
import type { Service } from "@flotilla/compose/app";
import type { BuiltImage } from "@flotilla/oci/build";
import { type ContainerSpec, EngineError, LABELS } from "../ports.ts";
import { createDockerEngine } from "./engine.ts";
import { createEngineHttp } from "./http.ts";
import { tagFor } from "./images.ts";
import { pullFromLoopback } from "./loopback.ts";
import { busyboxImage, memoryBlobs, platformOf, serviceOf, testEngineAddress } from "./testing.ts";

const address = testEngineAddress(process.env);
const APP = `t${process.pid}`;
const NAME = `flotilla-test/${APP}`;

describe("docker engine", { skip: address === undefined && "FLOTILLA_TEST_DOCKER is not set" }, () => {
  const engine = createDockerEngine({ address: address ?? "unix:///none", clock: systemClock, log: silentLog });
  const http = createEngineHttp(address ?? "unix:///none");
  const mark = busyboxImage({ "etc/mark": `of ${APP}`, "etc/app/default.conf": "image\n" });
  const images: BuiltImage[] = [mark];
  const labels = (service: string) => ({ [LABELS.app]: APP, [LABELS.service]: service, [LABELS.replica]: "1" });

  async function ensureImage(image: BuiltImage = mark): Promise<void> {
    if (!(await engine.hasImage(image.config.digest)))
      await engine.loadImage(platformOf(image), NAME, memoryBlobs(image));
  }

  function spec(service: string, changes: Partial<Service>, more: Partial<ContainerSpec> = {}): ContainerSpec {
    const base = { name: `${APP}-${service}-1`, image: mark.config.digest, labels: labels(service) };
    return { ...base, service: serviceOf(changes), networks: {}, volumes: {}, files: [], ...more };
  }

  async function run(service: string, changes: Partial<Service>, more: Partial<ContainerSpec> = {}): Promise<string> {
    await ensureImage();
    const id = await engine.createContainer(spec(service, changes, more));
    await engine.startContainer(id);
    return id;
  }

  /** Output of a container that runs to its end. */
  async function outputOf(
    service: string,
    script: string,
    changes: Partial<Service>,
    more: Partial<ContainerSpec> = {},
  ) {
    const id = await run(service, { ...changes, command: ["sh", "-c", script] }, more);
    await http.call({ method: "POST", path: `/containers/${id}/wait`, deadlineMs: 60_000 });
    const output = await engine.logs(id, 1000);
    await engine.removeContainer(id);
    return output;
  }

  async function inspect(id: string): Promise<Record<string, Record<string, unknown>>> {
    return (await http.json({ method: "GET", path: `/containers/${id}/json` })) as Record<
      string,
      Record<string, unknown>
    >;
  }

  after(async () => {
    const state = await engine.list();
    for (const { id } of state.containers.filter(({ labels }) => labels[LABELS.app] === APP))
      await engine.removeContainer(id);
    for (const { name } of state.networks.filter(({ app }) => app === APP)) await engine.removeNetwork(name);
    for (const { name } of state.volumes.filter(({ app }) => app === APP))
      await http.call({ method: "DELETE", path: `/volumes/${name}` });
    for (const image of images) await engine.removeImage(image.config.digest);
  });

  it("tells what it is", async () => {
    const facts = await engine.facts();
    assert.match(facts.version, /^\d+\./);
    assert.match(facts.api, /^1\.\d+$/);
    assert.ok(facts.imageStore === "containerd" || facts.imageStore.length > 0);
    assert.match(facts.architecture, /^(amd64|arm64|arm)$/);
    assert.ok(facts.memoryBytes > 0 && facts.cpus > 0 && facts.rootDir.startsWith("/"));
  });

  it("takes an image, knows it by its config digest and gives it up", async () => {
    const image = busyboxImage({ "etc/once": APP });
    assert.equal(await engine.hasImage(image.config.digest), false);
    await engine.loadImage(platformOf(image), NAME, memoryBlobs(image));
    assert.equal(await engine.hasImage(image.config.digest), true);
    await engine.removeImage(image.config.digest);
    assert.equal(await engine.hasImage(image.config.digest), false);
    await engine.removeImage(image.config.digest);
  });

  it("sends only the layers that the engine lacks", async () => {
    await ensureImage();
    const next = busyboxImage({ "etc/next": APP });
    images.push(next);
    const blobs = memoryBlobs(next);
    await engine.loadImage(platformOf(next), NAME, blobs);
    const [base, top] = next.layers;
    // Once to measure, and a second time only for what is sent.
    assert.equal(blobs.reads.get(base!.descriptor.digest), 1);
    assert.equal(blobs.reads.get(top!.descriptor.digest), 2);
    assert.equal(await engine.hasImage(next.config.digest), true);
  });

  it("refuses a layer that is not what the config promises, naming the blob", async () => {
    const image = busyboxImage({ "etc/damaged": APP });
    const platform = platformOf(image);
    const layers = platform.layers.map((layer, index) =>
      index === 1 ? { ...layer, diffId: platform.layers[0]!.diffId } : layer,
    );
    await assert.rejects(engine.loadImage({ ...platform, layers }, NAME, memoryBlobs(image)), {
      code: "image-damaged",
      details: { blob: platform.layers[1]!.digest },
    });
    assert.equal(await engine.hasImage(image.config.digest), false);
  });

  it("lets the engine pull from a registry on loopback", async () => {
    const image = busyboxImage({ "etc/pulled": APP });
    images.push(image);
    const tag = tagFor(NAME, image.config.digest);
    await pullFromLoopback(http, { platform: platformOf(image), tag, blobs: memoryBlobs(image) });
    assert.equal(await engine.hasImage(image.config.digest), true);
    const list = (await http.json({ method: "GET", path: "/images/json" })) as { RepoTags: string[] | null }[];
    assert.deepEqual(
      list.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith("127.0.0.1")),
      [],
    );
  });

  it("lists what carries the label and nothing else", async () => {
    await ensureImage();
    const stranger = (await http.json({
      method: "POST",
      path: "/containers/create",
      json: { Image: tagFor(NAME, mark.config.digest), Labels: { [LABELS.service]: "stranger" } },
    })) as { Id: string };
    await engine.createNetwork({ name: `${APP}_net`, labels: { [LABELS.app]: APP, [LABELS.spec]: "h1" }, network: {} });
    await engine.createVolume({ name: `${APP}_data`, labels: { [LABELS.app]: APP }, volume: {} });
    const id = await run("list", {});
    const state = await engine.list();
    await http.call({ method: "DELETE", path: `/containers/${stranger.Id}` });
    const found = state.containers.find((container) => container.id === id);
    assert.equal(found?.state, "running");
    assert.equal(found?.image, mark.config.digest);
    assert.equal(found?.name, `${APP}-list-1`);
    assert.equal(found?.health, "none");
    assert.ok((found?.startedAtMs ?? 0) > Date.UTC(2024, 0));
    assert.equal(
      state.containers.some((container) => container.id === stranger.Id),
      false,
    );
    assert.deepEqual(
      state.networks.filter(({ app }) => app === APP),
      [{ name: `${APP}_net`, app: APP, specHash: "h1" }],
    );
    assert.deepEqual(
      state.volumes.filter(({ app }) => app === APP),
      [{ name: `${APP}_data`, app: APP }],
    );
    await engine.stopContainer(id, 1000);
    await engine.stopContainer(id, 1000);
    const stopped = (await engine.list()).containers.find((container) => container.id === id);
    assert.equal(stopped?.state, "exited");
    assert.equal(stopped?.exitCode, 137);
    await engine.renameContainer(id, `${APP}-renamed`);
    assert.equal((await engine.list()).containers.find((container) => container.id === id)?.name, `${APP}-renamed`);
    await engine.removeContainer(id);
    await engine.removeContainer(id);
  });

  it("puts files in before the first start, with mode and owner", async () => {
    const file = { path: "/etc/app/secret", content: Buffer.from("s3cret\n"), mode: 0o440, uid: 7, gid: 8 };
    const output = await outputOf(
      "files",
      "cat /etc/app/secret /etc/app/default.conf; stat -c '%a %u %g' /etc/app/secret",
      {},
      { files: [file] },
    );
    assert.equal(output, "s3cret\nimage\n440 7 8\n");
  });

  it("puts files into a read-only container and below a tmpfs, and leaves them read-only", async () => {
    const files = [
      { path: "/etc/app/secret", content: Buffer.from("one\n"), mode: 0o444, uid: 0, gid: 0 },
      { path: "/run/secrets/two", content: Buffer.from("two\n"), mode: 0o444, uid: 0, gid: 0 },
    ];
    const changes = { readOnly: true, tmpfs: [{ target: "/run" }] };
    const script =
      "cat /etc/app/secret /etc/app/default.conf /run/secrets/two; touch /etc/app/x || echo refused; touch /run/y && echo ok";
    const output = await outputOf("readonly", `(${script}) 2>/dev/null`, changes, { files });
    assert.equal(output, "one\nimage\ntwo\nrefused\nok\n");
    const volumes = (await http.json({ method: "GET", path: "/volumes" })) as { Volumes: { Name: string }[] | null };
    assert.deepEqual(
      (volumes.Volumes ?? []).filter(({ Name }) => Name.startsWith(`flotilla-files-${APP}`)),
      [],
    );
  });

  it("maps environment, user, limits, rights, mounts and logging", async () => {
    await engine.createVolume({ name: `${APP}_data`, labels: { [LABELS.app]: APP }, volume: {} });
    const id = await run(
      "fields",
      {
        environment: { COLOUR: "blue=green" },
        user: "12:34",
        workingDir: "/tmp",
        hostname: "boat",
        init: true,
        capDrop: ["NET_RAW"],
        capAdd: ["NET_ADMIN"],
        sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" },
        ulimits: { nofile: { soft: 100, hard: 200 } },
        extraHosts: ["sea:10.0.0.1"],
        shmSizeBytes: 8 * 1024 * 1024,
        resources: { memoryBytes: 64 * 1024 * 1024, cpus: 0.5, pids: 50 },
        restart: { policy: "on-failure", maxRetries: 3 },
        tmpfs: [{ target: "/scratch", options: "size=1m" }],
        mounts: [
          { kind: "volume", volume: "data", target: "/data", readOnly: false },
          { kind: "bind", source: "/etc/hostname", target: "/host", readOnly: true },
          { kind: "tmpfs", target: "/t", sizeBytes: 4096 },
          { kind: "anonymous", target: "/anonymous", readOnly: false },
        ],
        devices: [{ source: "/dev/null", target: "/dev/nothing", permissions: "rwm" }],
        stopSignal: "SIGINT",
      },
      { volumes: { data: `${APP}_data` } },
    );
    const { HostConfig: host, Config: config } = await inspect(id);
    assert.deepEqual(host!["LogConfig"], { Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } });
    assert.deepEqual(host!["RestartPolicy"], { Name: "on-failure", MaximumRetryCount: 3 });
    assert.equal(host!["Memory"], 64 * 1024 * 1024);
    assert.equal(host!["NanoCpus"], 500_000_000);
    assert.equal(host!["PidsLimit"], 50);
    assert.equal(host!["ShmSize"], 8 * 1024 * 1024);
    assert.deepEqual(host!["CapAdd"], ["NET_ADMIN"]);
    assert.equal(config!["StopSignal"], "SIGINT");
    assert.equal(config!["User"], "12:34");
    assert.equal(config!["Hostname"], "boat");
    assert.equal(
      await engine.exec(id, ["sh", "-c", '[ "$COLOUR" = blue=green ] && [ -e /dev/nothing ] && [ "$(id -u)" = 12 ]']),
      0,
    );
    assert.equal(await engine.exec(id, ["sh", "-c", "[ -d /data ] && [ -s /host ] && touch /scratch/x && exit 9"]), 9);
    await engine.removeContainer(id);
  });

  it("joins several networks under the service's name and gives the address of a port", async () => {
    for (const name of ["front", "back"])
      await engine.createNetwork({
        name: `${APP}_${name}`,
        labels: { [LABELS.app]: APP },
        network: name === "back" ? { internal: true, subnet: "10.213.7.0/24", gateway: "10.213.7.1" } : {},
      });
    const networks = { front: `${APP}_front`, back: `${APP}_back` };
    const web = await run(
      "web",
      {
        command: ["sh", "-c", "echo served > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"],
        networks: { front: {}, back: { aliases: ["site"], ipv4Address: "10.213.7.9" } },
        ports: [{ target: 8080, protocol: "tcp", hostIp: "127.0.0.1" }],
        healthcheck: { test: ["CMD", "true"], intervalMs: 500 },
      },
      { networks },
    );
    const client = await outputOf(
      "client",
      "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 10.213.7.9 8080 | tail -n 1; nslookup web; nslookup site",
      { networks: { back: {} } },
      { networks },
    );
    assert.match(client, /^served$/m);
    // Static glibc resolves no names by itself; the engine's name server is asked.
    assert.match(client, /Name:\s+web\nAddress\S*:\s+10\.213\.7\.9/);
    assert.match(client, /Name:\s+site\nAddress\S*:\s+10\.213\.7\.9/);
    const at = await engine.addressOf(web, 8080);
    assert.equal(await (await fetch(`http://${at?.host}:${at?.port}/`)).text(), "served\n");
    const published = ((await inspect(web))["NetworkSettings"]!["Ports"] as Record<string, { HostPort: string }[]>)[
      "8080/tcp"
    ]!;
    assert.equal(await (await fetch(`http://127.0.0.1:${published[0]!.HostPort}/`)).text(), "served\n");
    assert.equal(await engine.addressOf("nobody", 1), undefined);
    await engine.removeContainer(web);
    assert.equal(await engine.addressOf(web, 8080), undefined);
  });

  it("wakes at a change of a container of ours", async () => {
    const aborter = new AbortController();
    const changed = engine.changed(aborter.signal).then(() => "changed");
    await systemClock.sleep(300);
    const id = await run("changes", {});
    assert.equal(await changed, "changed");
    const aborted = engine.changed(aborter.signal);
    aborter.abort();
    await aborted;
    await engine.removeContainer(id);
  });

  it("leaves nothing behind when a container cannot be made whole", async () => {
    await ensureImage();
    const files = [{ path: "/etc/mark/below-a-file", content: Buffer.from("x"), mode: 0o444, uid: 0, gid: 0 }];
    const broken = spec("broken", {}, { files });
    await assert.rejects(
      engine.createContainer(broken),
      (error) => error instanceof EngineError && error.status >= 400,
    );
    assert.equal(
      (await engine.list()).containers.some(({ name }) => name === broken.name),
      false,
    );
  });

  it("gives the end of the log and both streams", async () => {
    const output = await outputOf("logs", "for i in 1 2 3 4 5; do echo line $i; done; echo bad >&2", {});
    assert.match(output, /line 5\n/);
    const id = await run("tail", { command: ["sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done"], tty: true });
    await http.call({ method: "POST", path: `/containers/${id}/wait` });
    assert.equal((await engine.logs(id, 2)).replaceAll("\r", ""), "line 4\nline 5\n");
    await engine.removeContainer(id);
  });

  it("says so when the engine is not there", async () => {
    const nobody = createDockerEngine({
      address: "unix:///tmp/flotilla-no-engine.sock",
      clock: systemClock,
      log: silentLog,
    });
    await assert.rejects(nobody.list(), (error) => error instanceof EngineError && error.status === 0);
  });

  it("agrees with the docker command on the image's id", async () => {
    await ensureImage();
    const id = execFileSync("docker", ["image", "inspect", "--format", "{{.Id}}", tagFor(NAME, mark.config.digest)], {
      env: { ...process.env, DOCKER_HOST: address },
    });
    assert.equal(id.toString().trim(), mark.config.digest);
  });
});
