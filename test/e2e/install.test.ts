import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { mustRelease, pageOf, startRollout, webApp } from "./apps.ts";
import { docker, EXECUTABLE, provisioningToken, removeContainers } from "./device.ts";
import { DOCKER_SOCKET, eventually, freePort, Running, runProgram, Scratch, Server } from "./harness.ts";
import { pushImage, webImage } from "./images.ts";

interface Listed {
  readonly name: string;
  readonly status: string;
}

test("the install script makes a machine a device of a server with an authority of its own, through TLS that it pins", async () => {
  await using scratch = new Scratch();
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const ca = join(scratch.path, "ca.pem");
  const cli = [process.execPath, "packages/cli/src/main.ts"];
  const data = ["--data", join(scratch.path, "data"), "--owner-token-file", join(scratch.path, "token")];
  const where = ["--listen", `127.0.0.1:${port}`, "--public-url", url, "--tls", "own-authority"];
  await using server = new Running("flotilla serve", [...cli, "serve", ...data, ...where]);
  const script = await eventually(
    () => `the server hands out the script; ${server.describe()}`,
    () => unverified(`${url}/install.sh`),
  );
  scratch.write("ca.pem", (await unverified(`${url}/api/v1/server/ca.pem`)) ?? "");
  const owner = readFileSync(join(scratch.path, "token"), "utf8").trim();
  const env = { FLOTILLA_SERVER: url, FLOTILLA_TOKEN: owner, NODE_EXTRA_CA_CERTS: ca };
  const flotilla = async <T>(...args: string[]) => {
    const result = await runProgram([...cli, ...args, "--json"], { env });
    assert.equal(result.code, 0, result.stderr);
    return JSON.parse(result.stdout) as T;
  };

  const root = join(scratch.path, "root");
  const installed = await runProgram(["sh", scratch.write("install.sh", script), "--root", root]);
  assert.equal(installed.code, 0, installed.stderr);
  const agent = join(root, "usr/local/bin/flotilla-agent");
  const { token } = await flotilla<{ token: string }>("device", "enrol");
  const device = {
    DOCKER_HOST: `unix://${DOCKER_SOCKET}`,
    FLOTILLA_AGENT_CONFIG: join(root, "etc/flotilla/agent.json"),
    FLOTILLA_AGENT_STATE_DIR: join(root, "var/lib/flotilla"),
    FLOTILLA_AGENT_TOKEN: token,
  };
  const enrolled = await runProgram([agent, "enrol", "--server", url, "--name", "kiosk"], { env: device });
  assert.equal(enrolled.code, 0, enrolled.stderr);
  await using running = new Running("flotilla-agent run", [agent, "run"], device);
  await eventually(
    () => `the device is online; ${running.describe()}`,
    async () =>
      (await flotilla<Listed[]>("device", "list")).some(({ name, status }) => name === "kiosk" && status === "online"),
  );
  const doctor = await runProgram([agent, "doctor"], { env: device });
  assert.equal(doctor.code, 0, doctor.stdout);
  assert.match(doctor.stdout, /answers, TLS by the pinned CA/);
});

test("the server hands out the container image of either architecture", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  for (const [name, architecture] of [
    ["arm64", "arm64"],
    ["x64", "amd64"],
  ]) {
    const response = await fetch(`${server.url}/agents/flotilla-agent-linux-${name}.image.tar.gz`);
    assert.equal(response.status, 200);
    const path = join(scratch.path, `${name}.tar.gz`);
    writeFileSync(path, Buffer.from(await response.arrayBuffer()));
    await docker("load", "-q", "-i", path);
    assert.equal(
      await docker("image", "inspect", "--format", "{{.Architecture}}", "flotilla-agent:0.1.0"),
      architecture,
    );
  }
});

test("the container image is an agent like any other", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  await docker("load", "-q", "-i", `${EXECUTABLE}.image.tar.gz`);
  const token = await provisioningToken(server);
  const name = `flotilla-agent-${process.pid}`;
  const settings = Object.entries({ SERVER: server.url, TOKEN: token, NAME: "boxed" });
  const options = settings.flatMap(([key, value]) => ["-e", `FLOTILLA_AGENT_${key}=${value}`]);
  const mounts = ["-v", `${DOCKER_SOCKET}:/var/run/docker.sock`];
  try {
    await docker("run", "-d", "--name", name, "--network", "host", ...mounts, ...options, "flotilla-agent:0.1.0");
    const port = await freePort();
    await pushImage(server, "default/web", "1", webImage("from a container"));
    const release = await mustRelease(server, scratch, webApp(`${server.host}/default/web:1`, port));
    await eventually(
      "the device is enrolled",
      async () => (await server.json<Listed[]>("device", "list")).length === 1,
    );
    await startRollout(server, "shop", release, "--phases", "100%");
    const view = async () =>
      server.get<{ apps: Record<string, { release?: string }> }>("/api/v1/projects/default/devices/boxed");
    await eventually("the release is committed", async () => (await view()).apps["shop"]?.release === release, 90_000);
    assert.equal(await pageOf(port), "from a container");
    assert.match(await docker("exec", name, "/flotilla-agent", "status"), /shop\/web +running/);
  } finally {
    await docker("rm", "-f", "-v", name);
    await removeContainers();
  }
});

/** The body of a 200 answer, from a server whose certificate nobody vouches for. */
function unverified(url: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve(response.statusCode === 200 ? body : undefined));
    });
    request.on("error", reject);
  });
}
