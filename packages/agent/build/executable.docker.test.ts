import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "@flotilla/base/clock";
import { formatProvisioningToken } from "@flotilla/protocol/provisioning-token";
import { ensureDeviceKey } from "../src/host/device-key.ts";
import { createTestCertificates } from "../src/link/certificates.fixture.ts";
import { startFakeGateway, startFakeProxy } from "../src/link/gateway.fake.ts";

const run = promisify(execFile);
const SOCKET = process.env["FLOTILLA_TEST_DOCKER"] ?? "";
const EXECUTABLE = new URL(`../../../dist/agent/flotilla-agent-linux-${process.arch}`, import.meta.url).pathname;
const certificates = await createTestCertificates();
const CA = certificates.ca;
const missing =
  SOCKET === "" ? "FLOTILLA_TEST_DOCKER is not set" : existsSync(EXECUTABLE) ? false : "run npm run agent:build first";

describe("shipped executable", { skip: missing }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-exe-"));
  });
  after(() => rm(folder, { recursive: true }));

  function answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const enrolled = {
      device: "d-1",
      project: "default",
      name: "press",
      targetKey: "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
    };
    const server = { version: "0.1.0", publicUrl: "https://fleet.example", protocol: { oldest: 1, newest: 1 } };
    if (request.url === "/api/v1/server/ca.pem") response.end(CA);
    else if (request.url === "/api/v1/device/enrol") response.writeHead(201).end(JSON.stringify(enrolled));
    else if (request.url === "/api/v1/server") response.end(JSON.stringify(server));
    else response.writeHead(404).end();
  }

  it("enrols, connects, stays and stops through a proxy to a server whose CA is pinned", async () => {
    const state = join(folder, "state");
    const { publicKey } = await ensureDeviceKey(join(folder, "device.key"));
    await run("mkdir", ["-p", state]);
    await run("mv", [join(folder, "device.key"), join(state, "device.key")]);
    const tls = certificates.tls;
    await using gateway = await startFakeGateway({ publicKey, tls, pingIntervalMs: 1000, handle: answer });
    await using proxy = await startFakeProxy();
    const caFingerprint = createHash("sha256").update(new X509Certificate(CA).raw).digest("hex");
    const env = {
      ...process.env,
      HTTPS_PROXY: proxy.url,
      DOCKER_HOST: `unix://${SOCKET}`,
      BUN_JSC_useJIT: "0",
      FLOTILLA_AGENT_CONFIG: join(folder, "agent.json"),
      FLOTILLA_AGENT_STATE_DIR: state,
      FLOTILLA_AGENT_SERVER: `https://fleet.example:${gateway.port}`,
      FLOTILLA_AGENT_TOKEN: formatProvisioningToken({ id: "0".repeat(32), secret: "s".repeat(43), caFingerprint }),
    };
    const agent = spawn(EXECUTABLE, ["run"], { env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number | null>((resolve) => agent.on("close", resolve));
    let output = "";
    for (const stream of [agent.stdout, agent.stderr]) stream.on("data", (chunk) => (output += chunk));
    try {
      while (gateway.received.length === 0 && agent.exitCode === null) await systemClock.sleep(100);
      // Longer than the silence after which it would give the connection up: it must hear the pings.
      await systemClock.sleep(3000);
      assert.equal(gateway.hellos.length, 1, output);
      const status = JSON.parse((await run(EXECUTABLE, ["status", "--json"], { env })).stdout);
      assert.equal(status.agent.connected, true);
      const doctor = await run(EXECUTABLE, ["doctor"], { env });
      assert.match(doctor.stdout, /ok {4}server .* through the proxy .* answers, TLS by the pinned CA/);
      assert.ok(
        proxy.asked.length >= 4 && proxy.asked.every(({ target }) => target === `fleet.example:${gateway.port}`),
      );
      assert.ok(!output.includes("sssss"), "the token is in no log");
    } finally {
      agent.kill("SIGTERM");
    }
    assert.equal(await ended, 0, output);
  });
});
