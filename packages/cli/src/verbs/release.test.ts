// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files are written here.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type BuildLayer, buildImage, buildIndex } from "@flotilla/oci/build";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";

// The command as users call it, against a server that runs as its own process.
const MAIN = new URL("../main.ts", import.meta.url).pathname;
const START_TIMEOUT_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), "flotilla-release-"));
let server: ChildProcess;
let url: string;
let token: string;

before(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const tokenFile = join(folder, "token");
  const data = join(folder, "data");
  const args = ["serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--owner-token-file", tokenFile];
  server = spawn(process.execPath, [MAIN, ...args], { stdio: "ignore" });
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isReady())) {
    assert.ok(performance.now() < deadline && server.exitCode === null, "the server did not start");
    await sleep(50);
  }
  token = readFileSync(tokenFile, "utf8").trim();
});

after(async () => {
  const ended = new Promise((resolve) => server.once("close", resolve));
  server.kill();
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

async function isReady(): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const address = listener.address();
      listener.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function flotilla(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const own = { FLOTILLA_SERVER: url, FLOTILLA_TOKEN: token, FLOTILLA_CONFIG_DIR: folder, DOCKER_CONFIG: folder };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...own, ...env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

function registry(): RegistryClient {
  return createRegistryClient({ baseUrl: url, credentials: { kind: "basic", username: "token", password: token } });
}

async function push(repository: string, tag: string, files: BuildLayer | readonly BuildLayer[]): Promise<void> {
  const config = { Labels: { "org.opencontainers.image.revision": "0a1b2c" } };
  const on = (architecture: string) => buildImage({ files, platform: { os: "linux", architecture }, config });
  const index = buildIndex([on("amd64"), on("arm64")]);
  for (const image of index.images) {
    for (const { digest, bytes } of image.blobs)
      await registry().pushBlob(repository, { digest, sizeBytes: bytes.length, content: bytes });
    await registry().putManifest(repository, image.manifest.digest, image.manifest);
  }
  await registry().putManifest(repository, tag, index.manifest);
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const npmPackage = (name: string, version: string): BuildLayer => ({
  [`app/node_modules/${name}/package.json`]: JSON.stringify({ name, version }),
});

test("a compose file becomes a release; made again it is the same", async () => {
  await push("default/web", "1", { "bin/web": "v1" });
  write("motd.txt", "hello");
  write("prod.env", "TAG=1\n");
  const file = write(
    "compose.yaml",
    "name: shop\nservices:\n  web:\n    image: web:${TAG}\n    environment: [SITE]\n    configs: [motd]\nconfigs: { motd: { file: motd.txt } }\n",
  );
  const made = await flotilla(["release", "create", "-f", file, "--env-file", "prod.env", "--json"]);
  assert.equal(made.code, 0, made.stderr);
  const release = JSON.parse(made.stdout);
  assert.deepEqual([release.tag, release.outcome, Object.keys(release.variables)], ["r1", "pass", ["SITE"]]);

  const again = await flotilla(["release", "create", "--env-file", "prod.env"]);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(again.stdout.split("\n"), ["made shop r1", release.digest, ""]);

  const one = await flotilla(["release", "create", "--platform", "linux/arm64", "--json"], { TAG: "1" });
  const { images } = JSON.parse(one.stdout).document;
  assert.deepEqual(
    images["web:1"].platforms.map((platform: { architecture: string }) => platform.architecture),
    ["arm64"],
  );

  const list = await flotilla(["release", "list", "shop"]);
  assert.match(list.stdout, /^TAG +DIGEST +VERDICT +MADE +BY\nr2 .*\nr1 /);
  const show = await flotilla(["release", "show", "shop", release.digest]);
  assert.match(show.stdout, /web:1 +linux\/arm64/);
  assert.match(show.stdout, /SITE +\(required\)/);
  assert.match(show.stdout, /web:1 +revision +0a1b2c\n/);
  assert.match((await flotilla(["app", "list"])).stdout, /shop +2 +r2/);
  assert.match((await flotilla(["app", "show", "shop"])).stdout, /shop {2}2 releases {2}repository default\/shop/);
});

test("two releases are compared", async () => {
  await push("default/cmp", "1", [{ base: "same" }, npmPackage("left-pad", "1.0.0")]);
  await push("default/cmp", "2", [{ base: "same" }, npmPackage("left-pad", "1.3.0")]);
  const file = write("cmp.yaml", 'name: cmp\nservices: { web: { image: "cmp:${TAG}" } }\n');
  for (const TAG of ["1", "2"]) {
    const made = await flotilla(["release", "create", "-f", file], { TAG });
    assert.equal(made.code, 0, made.stderr);
  }
  const diff = await flotilla(["release", "diff", "cmp", "r1", "r2"]);
  assert.equal(diff.code, 0, diff.stderr);
  assert.match(diff.stdout, /^cmp r1 → r2\n/);
  assert.match(diff.stdout, /~ service web: image "cmp:1" → "cmp:2"\n/);
  assert.match(diff.stdout, /~ cmp:1 → cmp:2\n/);
  assert.match(diff.stdout, /linux\/arm64 +[\d.]+ k?B +[\d.]+ k?B +1 +1 +1\n/);
  assert.match(diff.stdout, /~ left-pad 1\.0\.0 → 1\.3\.0 {2}npm, cmp:2\n/);
  const json = JSON.parse((await flotilla(["release", "diff", "cmp", "r1", "r2", "--json"])).stdout);
  assert.equal(json.packages[0].change, "upgraded");
  assert.match((await flotilla(["release", "diff", "cmp", "r1", "r1"])).stdout, /nothing changes/);
  assert.equal((await flotilla(["release", "diff", "cmp", "r1", "r7"])).code, 3);
  const deleted = await flotilla(["release", "delete", "cmp", "r1"]);
  assert.deepEqual([deleted.code, deleted.stderr], [0, "deleted cmp r1\n"]);
  assert.equal((await flotilla(["release", "show", "cmp", "r1"])).code, 3);
});

test("a blocked release ends with 1 and says rule, finding, layer and the version that would pass", async () => {
  await push("default/bad", "1", [{ "bin/web": "v1" }, npmPackage("jquery", "2.2.4")]);
  const file = write("bad.yaml", "name: bad\nservices: { web: { image: bad:1 } }\n");
  for (const args of [[], ["--policy", "preview"]]) {
    const blocked = await flotilla(["release", "create", "-f", file, ...args]);
    assert.equal(blocked.code, 1, blocked.stderr);
    assert.match(blocked.stdout, /^BLOCKED/);
    assert.match(blocked.stdout, /rule +fixable-critical-and-high\n/);
    assert.match(blocked.stdout, /finding .* in pkg:npm\/jquery@2\.2\.4\n/);
    assert.match(blocked.stdout, /where +app\/node_modules\/jquery\/package\.json in layer sha256:[a-f0-9]{12}\n/);
    assert.match(blocked.stdout, /passes +with version 3\.0\.0\n/);
  }
  const json = await flotilla(["release", "create", "-f", file, "--json"]);
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.stdout).gate.reasons[0].finding.fixed, "3.0.0");
  assert.equal((await flotilla(["app", "show", "bad"])).code, 3, "there is no such app");
});

test("an image of another registry is copied by digest, once", async () => {
  const body = JSON.stringify({ name: "other" });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  assert.equal((await fetch(`${url}/api/v1/projects`, { method: "POST", headers, body })).status, 201);
  await push("other/api", "1", { "bin/api": "v1" });
  const host = new URL(url).host;
  const file = write("copy.yaml", `name: copied\nservices: { api: { image: "${host}/other/api:1" } }\n`);
  const made = await flotilla(["release", "create", "-f", file, "--json"]);
  assert.equal(made.code, 0, made.stderr);
  const image = JSON.parse(made.stdout).document.images[`${host}/other/api:1`];
  const source = await registry().getManifest("other/api", "1");
  assert.deepEqual([image.repository, image.digest], ["default/other/api", source.digest]);
  const again = await flotilla(["release", "create", "-f", file]);
  assert.match(again.stdout, /made copied r1/);
});

const REFUSED: readonly (readonly [what: string, text: string, code: number, message: RegExp])[] = [
  ["problems of the compose file", "name: x\nservices: { a: { build: . } }\n", 2, /broken\.yaml:2:\d+: services\.a/],
  [
    "an image that is nowhere",
    "name: x\nservices: { a: { image: nowhere:1 } }\n",
    3,
    /docker push 127\.0\.0\.1:\d+\/default\/nowhere:1/,
  ],
  ["a registry that does not answer", "name: x\nservices: { a: { image: '127.0.0.1:1/a:1' } }\n", 3, /127\.0\.0\.1:1/],
];
for (const [what, text, code, message] of REFUSED)
  test(`${what}: refused with ${code}`, async () => {
    const result = await flotilla(["release", "create", "-f", write("broken.yaml", text)]);
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, message);
  });

test("wrong usage ends with 2", async () => {
  assert.equal((await flotilla(["release", "create", "-f", "absent.yaml"])).code, 2);
  assert.equal((await flotilla(["release", "create", "--policy", "maybe"])).code, 2);
  const env = { FLOTILLA_SERVER: "", FLOTILLA_TOKEN: "", TAG: "1" };
  assert.equal((await flotilla(["release", "create", "-f", "compose.yaml"], env)).code, 2);
});
