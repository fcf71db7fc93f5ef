import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildImage, buildIndex } from "@flotilla/oci/build";
import { createRegistryClient } from "@flotilla/oci/client";

// The command as users call it, between two servers that run as their own processes.
const MAIN = new URL("../main.ts", import.meta.url).pathname;
const START_TIMEOUT_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "flotilla-transfer-"));

interface Server {
  readonly process: ChildProcess;
  readonly url: string;
  readonly token: string;
}
let here: Server;
let there: Server;

before(async () => {
  [here, there] = await Promise.all([start("here"), start("there")]);
});
after(async () => {
  for (const { process: server } of [here, there]) {
    const ended = new Promise((resolve) => server.once("close", resolve));
    server.kill();
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function start(name: string): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const tokenFile = join(folder, `${name}-token`);
  const args = [
    "serve",
    "--data",
    join(folder, name),
    "--listen",
    `127.0.0.1:${port}`,
    "--owner-token-file",
    tokenFile,
  ];
  const server = spawn(process.execPath, [MAIN, ...args], { stdio: "ignore" });
  const deadline = performance.now() + START_TIMEOUT_MS;
  const ready = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await ready())) {
    assert.ok(performance.now() < deadline && server.exitCode === null, "the server did not start");
    await sleep(50);
  }
  return { process: server, url, token: readFileSync(tokenFile, "utf8").trim() };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const address = listener.address();
      listener.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function flotilla(server: Server, ...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = {
    PATH: process.env.PATH,
    FLOTILLA_SERVER: server.url,
    FLOTILLA_TOKEN: server.token,
    FLOTILLA_CONFIG_DIR: folder,
  };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, "release", ...args], { cwd: folder, env });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].on("data", (chunk: Buffer) => {
        output[name] += chunk.toString();
      });
    child.on("close", (code) => resolve({ code, ...output }));
  });
}

const registry = ({ url, token }: Server) =>
  createRegistryClient({ baseUrl: url, credentials: { kind: "basic", username: "token", password: token } });

test("a release goes in a signed file from one server to another and keeps its digest; a changed file does not", async () => {
  const on = (architecture: string) =>
    buildImage({ files: { "bin/web": architecture }, platform: { os: "linux", architecture } });
  const index = buildIndex([on("amd64"), on("arm64")]);
  for (const image of index.images) {
    for (const { digest, bytes } of image.blobs)
      await registry(here).pushBlob("default/web", { digest, sizeBytes: bytes.length, content: bytes });
    await registry(here).putManifest("default/web", image.manifest.digest, image.manifest);
  }
  await registry(here).putManifest("default/web", "1", index.manifest);
  writeFileSync(join(folder, "motd"), "hello");
  const compose =
    "name: shop\nservices: { web: { image: 'web:1', configs: [motd] } }\nconfigs: { motd: { file: motd } }\n";
  writeFileSync(join(folder, "compose.yaml"), compose);
  const made = await flotilla(here, "create", "--json");
  assert.equal(made.code, 0, made.stderr);
  const release = JSON.parse(made.stdout);

  const exported = await flotilla(here, "export", "shop", "r1", "-o", "shop.tar");
  assert.equal(exported.code, 0, exported.stderr);
  const key = (await flotilla(here, "key")).stdout.trim();
  const untrusted = await flotilla(there, "import", "shop.tar");
  assert.equal(untrusted.code, 3);
  assert.match(untrusted.stderr, /no trusted key signed this file/);

  const bytes = readFileSync(join(folder, "shop.tar"));
  const damaged = Buffer.from(bytes);
  const at = damaged.lastIndexOf("hello");
  assert.ok(at > 0);
  damaged[at] = 0x48;
  writeFileSync(join(folder, "damaged.tar"), damaged);
  const refused = await flotilla(there, "import", "damaged.tar", "--key", key);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /other bytes.*\[release-file-damaged\]/);
  assert.equal(
    await registry(there).headManifest("default/web", index.manifest.digest),
    undefined,
    "nothing was pushed",
  );

  const imported = await flotilla(there, "import", "shop.tar", "--key", key);
  assert.equal(imported.code, 0, imported.stderr);
  assert.deepEqual(imported.stdout.split("\n"), ["made shop r1", release.digest, ""]);
  const shown = JSON.parse((await flotilla(there, "show", "shop", "r1", "--json")).stdout);
  assert.deepEqual([shown.digest, shown.document, shown.compose], [release.digest, release.document, release.compose]);
  for (const image of index.images)
    for (const { digest } of image.blobs)
      assert.notEqual(await registry(there).blobSize("default/web", digest), undefined);

  assert.equal((await flotilla(here, "export", "shop", "r1", "-o", "arm.tar", "--platform", "linux/arm64")).code, 0);
  assert.ok(readFileSync(join(folder, "arm.tar")).length < bytes.length);
  assert.equal((await flotilla(here, "import", "arm.tar")).code, 0, "its own file needs no key");
  const elsewhere = await flotilla(there, "import", "shop.tar", "--key", key, "--project", "other");
  assert.match(elsewhere.stderr, /only in a project of that name|no project other/);
});
