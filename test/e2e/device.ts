// A device of the stories: the shipped executable of the agent on this machine's engine; and devices that are enrolled but never come.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Device as DeviceView } from "@flotilla/protocol/api/devices";
import { DOCKER_SOCKET, eventually, type Result, ROOT, Running, runProgram, Scratch, type Server } from "./harness.ts";

const ARCH = process.arch === "arm64" ? "arm64" : "x64";
export const EXECUTABLE = join(ROOT, `dist/agent/flotilla-agent-linux-${ARCH}`);

export class Device implements AsyncDisposable {
  readonly name: string;
  readonly id: string;
  readonly #server: Server;
  readonly #scratch: Scratch;
  readonly #env: Record<string, string>;
  #process: Running;

  private constructor(
    server: Server,
    scratch: Scratch,
    env: Record<string, string>,
    enrolled: { name: string; device: string },
  ) {
    this.#server = server;
    this.#scratch = scratch;
    this.#env = env;
    this.name = enrolled.name;
    this.id = enrolled.device;
    this.#process = this.#run();
  }

  /** Enrols this machine with a provisioning token and starts the agent. */
  static async start(server: Server, name: string, labels = ""): Promise<Device> {
    assert.ok(existsSync(EXECUTABLE), `${EXECUTABLE} is missing: build it with "npm run agent:build"`);
    const scratch = new Scratch();
    const env = {
      FLOTILLA_AGENT_CONFIG: join(scratch.path, "agent.json"),
      FLOTILLA_AGENT_STATE_DIR: join(scratch.path, "state"),
      DOCKER_HOST: `unix://${DOCKER_SOCKET}`,
    };
    const token = await provisioningToken(server, labels);
    const result = await runProgram([EXECUTABLE, "enrol", "--server", server.url, "--name", name, "--json"], {
      env: { ...env, FLOTILLA_AGENT_TOKEN: token },
    });
    assert.equal(result.code, 0, `enrol failed: ${result.stderr}${result.stdout}`);
    return new Device(server, scratch, env, JSON.parse(result.stdout) as { name: string; device: string });
  }

  #run(): Running {
    return new Running(`agent of ${this.name}`, [EXECUTABLE, "run"], this.#env);
  }

  /** What the server says of it. */
  view(): Promise<DeviceView> {
    return this.#server.get(`/api/v1/projects/default/devices/${this.id}`);
  }

  /** Runs `flotilla-agent <args>` on the device. */
  agent(...args: string[]): Promise<Result> {
    return runProgram([EXECUTABLE, ...args], { env: this.#env });
  }

  /** Waits until the server's view satisfies `look`. */
  async reaches(what: string, look: (device: DeviceView) => boolean, ms = 120_000): Promise<DeviceView> {
    let last: DeviceView | undefined;
    return eventually(
      () => `${this.name} ${what}; it is ${JSON.stringify(last, null, 1)}; ${this.#process.describe()}`,
      async () => {
        last = await this.view();
        return look(last) ? last : undefined;
      },
      ms,
    );
  }

  async kill(): Promise<void> {
    await this.#process.kill("SIGKILL");
  }

  restart(): void {
    this.#process = this.#run();
  }

  get output(): string {
    return this.#process.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await removeContainers();
    await this.#scratch[Symbol.asyncDispose]();
  }
}

export async function provisioningToken(server: Server, labels = "", uses = 1): Promise<string> {
  const labelArgs = labels === "" ? [] : ["--labels", labels];
  return (await server.json<{ token: string }>("device", "enrol", "--uses", String(uses), ...labelArgs)).token;
}

/** Ends what an agent left running, so that stories do not see each other. */
export async function removeContainers(): Promise<void> {
  const ids = await docker("ps", "-aq", "--filter", "label=io.flotilla.app");
  if (ids !== "") await docker("rm", "-f", "-v", ...ids.split("\n"));
  await docker("network", "prune", "-f", "--filter", "label=io.flotilla.app");
  await docker("volume", "prune", "-f", "--filter", "label=io.flotilla.app");
}

export async function docker(...args: string[]): Promise<string> {
  const result = await runProgram(["docker", "--host", `unix://${DOCKER_SOCKET}`, ...args]);
  assert.equal(result.code, 0, `docker ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}

/**
 * Enrols a device that never connects and that a rollout takes after `before` (rollouts take devices by the hash of their id), so that `before`
 * is the canary.
 */
export async function enrolAbsentAfter(server: Server, before: Device): Promise<string> {
  const token = await provisioningToken(server, "", 1000);
  for (;;) {
    const id = await enrolAbsent(server, token);
    if (rank(before.id) < rank(id)) return id;
    await fetch(`${server.url}/api/v1/projects/default/devices/${id}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${server.token}` },
    });
  }
}

function rank(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

async function enrolAbsent(server: Server, token: string): Promise<string> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const proof = sign(null, Buffer.from(["flotilla-enrol-v1", token, key].join("\n")), privateKey).toString("base64");
  const facts = {
    hostname: "absent",
    os: "linux",
    kernel: "6",
    architecture: "amd64",
    cpus: 1,
    memoryBytes: 1,
    diskBytes: 1,
    engineVersion: "20",
    engineApi: "1.41",
    imageStore: "overlay2",
    agentVersion: "0",
    timeZone: "UTC",
  };
  const response = await fetch(`${server.url}/api/v1/device/enrol`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, publicKey: key, proof, facts }),
  });
  assert.ok(response.ok, await response.clone().text());
  return ((await response.json()) as { device: string }).device;
}
