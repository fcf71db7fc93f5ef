import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { silentLog } from "@flotilla/base/log";
import fastify from "fastify";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { createErrorHandler } from "../http/problems.ts";
import { parseRange } from "./range.ts";
import { registerAgents } from "./routes.ts";

const run = promisify(execFile);
const PROGRAM = Buffer.from("#!/bin/sh\necho agent\n");
const NAMES = ["flotilla-agent-linux-x64", "flotilla-agent-linux-arm64", "flotilla-agent-linux-x64-musl"];

describe("agents", () => {
  let folder = "";
  let app: App;
  let url = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-agents-"));
    app = fastify() as unknown as App;
    app.setErrorHandler(createErrorHandler(silentLog));
    const config = {
      version: "0.1.0",
      get publicUrl() {
        return url;
      },
    };
    registerAgents(app, { config } as Context, join(folder, "dist"));
    url = await app.listen({ host: "127.0.0.1", port: 0 });
  });
  after(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  async function build(program = PROGRAM): Promise<void> {
    const dist = join(folder, "dist");
    await mkdir(dist, { recursive: true });
    const sum = createHash("sha256").update(program).digest("hex");
    await writeFile(join(dist, "SHA256SUMS"), NAMES.map((name) => `${sum}  ${name}\n`).join(""));
    for (const name of NAMES) {
      await writeFile(join(dist, name), program);
      await writeFile(join(dist, `${name}.gz`), gzipSync(program));
    }
  }

  async function install(root: string, ...args: string[]): Promise<string> {
    const script = join(folder, "install.sh");
    await writeFile(script, await (await fetch(`${url}/install.sh`)).text());
    const { stdout } = await run("sh", [script, "--root", root, ...args]);
    return stdout;
  }

  it("says how to build the executables when there are none", async () => {
    for (const path of ["/install.sh", "/agents/flotilla-agent-linux-x64"]) {
      const response = await fetch(url + path);
      assert.equal(response.status, 404);
      assert.match(((await response.json()) as { detail: string }).detail, /npm run agent:build/);
    }
  });

  it("serves whole files, parts, and nothing that is known already", async () => {
    await build();
    const file = `${url}/agents/flotilla-agent-linux-x64`;
    const whole = await fetch(file);
    assert.equal(whole.status, 200);
    assert.equal(whole.headers.get("content-length"), String(PROGRAM.length));
    assert.equal(await whole.text(), PROGRAM.toString());
    const part = await fetch(file, { headers: { range: "bytes=2-4" } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get("content-range"), `bytes 2-4/${PROGRAM.length}`);
    assert.equal(await part.text(), "/bi");
    const etag = whole.headers.get("etag") ?? "";
    assert.equal((await fetch(file, { headers: { "if-none-match": etag } })).status, 304);
    assert.equal((await fetch(file, { headers: { range: "bytes=2-4", "if-range": '"other"' } })).status, 200);
    assert.equal((await fetch(file, { headers: { range: "bytes=900-" } })).status, 416);
  });

  it("serves nothing but what SHA256SUMS lists", async () => {
    await writeFile(join(folder, "dist", "secret"), "s");
    for (const name of ["secret", "..%2Fsecret", "flotilla-agent-linux-x64.image.tar", "%2e%2e%2finstall.sh"])
      assert.equal((await fetch(`${url}/agents/${name}`)).status, 404, name);
  });

  it("installs, keeps what is up to date, updates, and uninstalls", async () => {
    await build();
    const root = join(folder, "root");
    assert.match(await install(root), /downloading flotilla-agent-linux-/);
    const binary = join(root, "usr/local/bin/flotilla-agent");
    assert.equal((await run(binary)).stdout, "agent\n");
    assert.equal((await stat(binary)).mode & 0o777, 0o755);
    const unit = await readFile(join(root, "etc/systemd/system/flotilla-agent.service"), "utf8");
    assert.match(unit, /^ExecStart=\/usr\/local\/bin\/flotilla-agent run$/m);
    assert.match(unit, /^Restart=always$/m);
    assert.match(await install(root), /up to date/);
    await build(Buffer.from("#!/bin/sh\necho newer\n"));
    await install(root);
    assert.equal((await run(binary)).stdout, "newer\n");
    await writeFile(join(root, "var/lib/flotilla/device.key"), "k");
    await install(root, "--uninstall");
    await assert.rejects(stat(binary));
    await stat(join(root, "var/lib/flotilla/device.key"));
    await install(root, "--uninstall", "--purge");
    await assert.rejects(stat(join(root, "var/lib/flotilla")));
  });

  it("refuses a download with another checksum and leaves the old agent in place", async () => {
    await build();
    const root = join(folder, "root2");
    await install(root);
    await build(Buffer.from("#!/bin/sh\necho newer\n"));
    for (const name of NAMES)
      await writeFile(join(folder, "dist", `${name}.gz`), gzipSync(Buffer.from("#!/bin/sh\necho evil\n")));
    await assert.rejects(install(root), /another checksum/);
    assert.equal((await run(join(root, "usr/local/bin/flotilla-agent"))).stdout, "agent\n");
  });

  it("reads ranges as RFC 9110 says", () => {
    const cases: readonly [string | undefined, unknown][] = [
      [undefined, { kind: "all" }],
      ["bytes=0-", { kind: "part", start: 0, end: 9 }],
      ["bytes=3-100", { kind: "part", start: 3, end: 9 }],
      ["bytes=-4", { kind: "part", start: 6, end: 9 }],
      ["bytes=-0", { kind: "unsatisfiable" }],
      ["bytes=10-", { kind: "unsatisfiable" }],
      ["bytes=5-2", { kind: "all" }],
      ["bytes=0-1,3-4", { kind: "all" }],
      ["lines=1-2", { kind: "all" }],
    ];
    for (const [header, expected] of cases) assert.deepEqual(parseRange(header, 10), expected, String(header));
  });
});
