import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { asDigest } from "@flotilla/base/digest";
import { type BuiltImage, buildImage } from "@flotilla/oci/build";
import { parseImageConfig } from "@flotilla/oci/image-config";
import { tarOf } from "@flotilla/oci/tar/write";
import { startTestServer, type TestServer } from "../testing.ts";
import { registryClient } from "./testing.ts";

const run = promisify(execFile);
const socket = process.env.FLOTILLA_TEST_DOCKER;

/** A folder with a docker configuration that is logged in to the server. */
async function loggedIn(server: TestServer): Promise<{ readonly folder: string; readonly host: string }> {
  const folder = await mkdtemp(join(tmpdir(), "flotilla-docker-"));
  const host = new URL(server.url).host;
  const auth = Buffer.from(`token:${server.ownerToken}`).toString("base64");
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }));
  return { folder, host };
}

function docker(folder: string, ...words: string[]): Promise<{ stdout: string; stderr: string }> {
  return run("docker", ["--config", folder, "--host", `unix://${socket}`, ...words], { maxBuffer: 2 ** 24 });
}

/** `docker save` form of a built image, under a name. */
function archiveOf(image: BuiltImage, name: string): Buffer {
  const layers = image.layers.map((_, index) => `layer${index}.tar`);
  const list = [{ Config: "config.json", RepoTags: [name], Layers: layers }];
  return tarOf([
    { path: "config.json", kind: "file", content: image.config.bytes },
    ...image.layers.map((layer, index) => ({
      path: `layer${index}.tar`,
      kind: "file" as const,
      content: layer.bytes,
    })),
    { path: "manifest.json", kind: "file", content: JSON.stringify(list) },
  ]);
}

describe("with a real docker", { skip: socket === undefined && "FLOTILLA_TEST_DOCKER is not set" }, () => {
  test("docker logs in, pushes and pulls; the second push of a layer sends nothing", async () => {
    await using server = await startTestServer();
    const { folder, host } = await loggedIn(server);
    const stamp = crypto.randomUUID();
    const base = buildImage({ files: { "base.txt": stamp.repeat(20_000) }, compress: false });
    const image = buildImage({ base, files: { "app.txt": stamp }, config: { Cmd: ["/app"] }, compress: false });
    try {
      await docker(folder, "login", "-u", "token", "-p", server.ownerToken, host);
      const archive = join(folder, "image.tar");
      await writeFile(archive, archiveOf(image, `${host}/default/web:v1`));
      await docker(folder, "load", "-i", archive);
      await docker(folder, "push", `${host}/default/web:v1`);
      const client = registryClient(server);
      const pushed = await client.getManifest("default/web", "v1");
      assert.equal(pushed.manifest.kind === "image" && pushed.manifest.config.digest, image.config.digest);

      await docker(folder, "tag", `${host}/default/web:v1`, `${host}/default/other:v1`);
      const again = await docker(folder, "push", `${host}/default/other:v1`);
      assert.match(again.stdout, /Mounted from default\/web|Layer already exists/);

      await docker(folder, "rmi", `${host}/default/web:v1`, `${host}/default/other:v1`);
      await docker(folder, "pull", `${host}/default/web:v1`);
      const { stdout } = await docker(folder, "image", "inspect", `${host}/default/web:v1`);
      assert.deepEqual(JSON.parse(stdout)[0].RootFS.Layers, parseImageConfig(image.config.bytes).diffIds);
    } finally {
      await docker(folder, "rmi", "-f", `${host}/default/web:v1`, `${host}/default/other:v1`).catch(() => undefined);
      await rm(folder, { recursive: true });
    }
  });

  test("docker with a wrong password is refused", async () => {
    await using server = await startTestServer();
    const { folder, host } = await loggedIn(server);
    try {
      await assert.rejects(docker(folder, "login", "-u", "token", "-p", "flt_wrong", host), /unauthorized/i);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("skopeo copies in and out; the digest stays", async () => {
    await using server = await startTestServer();
    const { folder, host } = await loggedIn(server);
    const image = buildImage({ files: { "app.txt": crypto.randomUUID() }, config: { Env: ["A=b"] } });
    try {
      const archive = join(folder, "image.tar");
      await writeFile(archive, archiveOf(image, "any:v1"));
      const creds = `token:${server.ownerToken}`;
      const repository = `docker://${host}/default/skopeo:v1`;
      await run("skopeo", [
        ...["copy", "--dest-tls-verify=false", "--dest-creds", creds],
        ...[`docker-archive:${archive}`, repository],
      ]);
      await run("skopeo", ["copy", "--src-tls-verify=false", "--src-creds", creds, repository, `oci:${folder}/out:v1`]);
      const { stdout } = await run("skopeo", ["inspect", "--tls-verify=false", "--creds", creds, repository]);
      const digest = asDigest(JSON.parse(stdout).Digest);
      assert.equal((await registryClient(server).getManifest("default/skopeo", "v1")).digest, digest);
      assert.deepEqual(JSON.parse(stdout).Env, ["A=b"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
