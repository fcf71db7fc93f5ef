import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { encodedPart } from "@flotilla/base/digest";
import { silentLog } from "@flotilla/base/log";
import { buildImage } from "@flotilla/oci/build";
import { EngineError, LABELS } from "../ports.ts";
import { createDockerEngine } from "./engine.ts";
import { readTar } from "./read-tar.fake.ts";
import { memoryBlobs, platformOf } from "./testing.ts";

const BASE = buildImage({ files: { base: "b".repeat(100_000) } });
const IMAGE = buildImage({ base: BASE, files: { top: "t" } });
const [LOWER, UPPER] = IMAGE.layers.map(({ diffId }) => diffId);

/**
 * The few answers of an engine on the containerd store, as Docker 29 gives them: an image's id is its manifest digest, and a load that lacks a blob says
 * "Loaded image" and fails after it, leaving a tagged image behind that is of no use.
 */
class ContainerdEngine {
  readonly content = new Set<string>();
  readonly images = new Map<string, { id: string; diffIds: readonly string[] }>();
  readonly loads: string[][] = [];
  readonly containers: unknown[] = [];
  /** Takes no archive, for the way through the loopback registry. */
  deaf = false;
  /** Shows every image under another id than its content has. */
  confused = false;

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://docker");
    const path = decodeURIComponent(url.pathname.replace(/^\/v1\.\d+/, ""));
    const json = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    if (path === "/_ping") return void response.writeHead(200, { "api-version": "1.52" }).end("OK");
    if (path === "/info")
      return void json(200, { Driver: "overlayfs", DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] });
    if (path === "/images/json") return void json(200, this.#list());
    if (path === "/images/load") return this.#load(request, response);
    if (path === "/images/create") return this.#pull(url, response);
    if (path === "/containers/json")
      return void json(
        200,
        this.containers.map(() => ({ Id: "c1" })),
      );
    if (path === "/containers/c1/json") return void json(200, this.containers[0]);
    if (path === "/networks" || path === "/volumes") return void json(200, path === "/networks" ? [] : { Volumes: [] });
    const [, name, verb] = /^\/images\/(.+?)(?:\/(json|tag))?$/.exec(path) ?? [];
    const image = this.images.get(name ?? "") ?? [...this.images.values()].find(({ id }) => id === name);
    if (image === undefined) return void json(404, { message: `No such image: ${name}` });
    const shownId = this.confused ? `sha256:${"0".repeat(64)}` : image.id;
    if (verb === "json") return void json(200, { Id: shownId, RootFS: { Layers: image.diffIds } });
    if (verb === "tag") this.images.set(`${url.searchParams.get("repo")}:${url.searchParams.get("tag")}`, image);
    else this.images.delete(name ?? "");
    json(verb === "tag" ? 201 : 200, {});
  }

  #list(): unknown[] {
    const ids = new Set([...this.images.values()].map(({ id }) => id));
    return [...ids].map((Id) => ({
      Id,
      RepoTags: [...this.images].filter(([, { id }]) => id === Id).map(([tag]) => tag),
    }));
  }

  async #load(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const files = await readTar(request);
    if (this.deaf) return void response.writeHead(500).end('{"message":"no space left"}');
    this.loads.push(
      [...files.keys()].filter((name) => name.startsWith("blobs/")).map((name) => `sha256:${name.slice(13)}`),
    );
    const index = JSON.parse(files.get("index.json")?.toString() ?? "");
    const [{ digest, annotations }] = index.manifests;
    const manifest = JSON.parse(files.get(`blobs/sha256/${digest.slice(7)}`)?.toString() ?? "");
    for (const name of files.keys()) if (name.startsWith("blobs/")) this.content.add(`sha256:${name.slice(13)}`);
    const diffIds: string[] = manifest.layers.map((layer: { digest: string }) => layer.digest);
    const tag = annotations["io.containerd.image.name"].replace("docker.io/library/", "").replace("docker.io/", "");
    this.images.set(tag, { id: digest, diffIds });
    response.writeHead(200).write(`{"stream":"Loaded image: ${tag}"}\n`);
    const missing = diffIds.find((diffId) => !this.content.has(diffId));
    response.end(missing === undefined ? "" : `{"error":"content digest ${missing}: not found"}\n`);
  }

  async #pull(url: URL, response: ServerResponse): Promise<void> {
    const [repository, tag] = [url.searchParams.get("fromImage") ?? "", url.searchParams.get("tag")];
    const [host, ...rest] = repository.split("/");
    const answer = await fetch(`http://${host}/v2/${rest.join("/")}/manifests/${tag}`);
    const manifest = (await answer.json()) as { config: { digest: string }; layers: { digest: string }[] };
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      const blob = await fetch(`http://${host}/v2/${rest.join("/")}/blobs/${digest}`);
      assert.equal(blob.status, 200);
      await blob.arrayBuffer();
    }
    this.images.set(`${repository}:${tag}`, {
      id: answer.headers.get("docker-content-digest") ?? "",
      diffIds: [LOWER!, UPPER!],
    });
    response.end('{"status":"done"}\n');
  }
}

describe("containerd image store", () => {
  let folder = "";
  let server: Server;
  let docker: ContainerdEngine;
  let engine: ReturnType<typeof createDockerEngine>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-engine-"));
    server = createServer((request, response) => void docker.answer(request, response));
    await new Promise<void>((resolve) => server.listen(join(folder, "docker.sock"), resolve));
    engine = createDockerEngine({ address: `unix://${folder}/docker.sock`, clock: systemClock, log: silentLog });
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    docker = new ContainerdEngine();
  });
  const load = (image = IMAGE) => engine.loadImage(platformOf(image), "default/web", memoryBlobs(image));

  it("knows an image by its config digest though its id is another", async () => {
    assert.equal(await engine.hasImage(IMAGE.config.digest), false);
    await load();
    const [tag, { id }] = [...docker.images][0]!;
    assert.equal(tag, `default/web:${encodedPart(IMAGE.config.digest)}`);
    assert.notEqual(id, IMAGE.config.digest);
    assert.equal(await engine.hasImage(IMAGE.config.digest), true);
    docker.containers.push({
      Id: "c1",
      Name: "/web",
      Image: id,
      State: { Status: "running" },
      Config: { Labels: { [LABELS.app]: "shop" } },
    });
    assert.equal((await engine.list()).containers[0]?.image, IMAGE.config.digest);
    await engine.removeImage(IMAGE.config.digest);
    assert.equal(await engine.hasImage(IMAGE.config.digest), false);
  });

  it("leaves out layers of images that it loaded before", async () => {
    await load(BASE);
    await load();
    assert.ok(docker.loads[0]!.includes(LOWER!));
    assert.equal(docker.loads[1]!.includes(LOWER!), false);
    assert.ok(docker.loads[1]!.includes(UPPER!));
  });

  it('does not believe "Loaded image": sends everything when a layer that was left out is gone', async () => {
    await load(BASE);
    docker.content.delete(LOWER!);
    await load();
    assert.equal(docker.loads.length, 3);
    assert.ok(docker.loads[2]!.includes(LOWER!));
    assert.equal(await engine.hasImage(IMAGE.config.digest), true);
  });

  it("lets the engine pull when it takes no archive", async () => {
    docker.deaf = true;
    await load();
    assert.equal(await engine.hasImage(IMAGE.config.digest), true);
    assert.deepEqual([...docker.images.keys()], [`default/web:${encodedPart(IMAGE.config.digest)}`]);
  });

  it("believes no image whose id is not that of what it sent, and leaves none behind", async () => {
    docker.confused = true;
    await assert.rejects(load(), /took the image .* in no way \(load: .* not sha256/);
    assert.equal(docker.images.size, 0);
  });

  it("says that the engine is away when it goes away in the middle", async () => {
    docker.answer = async (request, response) => {
      if (request.url?.includes("/images/load")) docker.answer = async (next) => void next.socket.destroy();
      if (request.url?.includes("/images/load")) request.socket.destroy();
      else await ContainerdEngine.prototype.answer.call(docker, request, response);
    };
    await assert.rejects(load(), (error) => error instanceof EngineError && error.status === 0);
  });
});
