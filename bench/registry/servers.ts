import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createRegistryClient, type RegistryClient } from "@flotilla/oci/client";

const ROOT = new URL("../..", import.meta.url).pathname;
const DEBIAN = "/usr/bin/docker-registry";
const START_TRIES = 300;

/** A registry in a process and a folder of its own. */
export interface Registry extends AsyncDisposable {
  readonly client: RegistryClient;
  readonly url: string;
  /** Ours: what the API wants. */
  readonly token: string | undefined;
  /** The most memory that the process had so far, in MB. */
  peakMb(): number;
}

export type RegistryKind = "flotilla" | "docker-registry";

/** Which registries can be compared here. */
export function installed(): readonly RegistryKind[] {
  return existsSync(DEBIAN) ? ["flotilla", "docker-registry"] : ["flotilla"];
}

export async function start(kind: RegistryKind): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-bench-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const argv = kind === "flotilla" ? flotilla(folder, host) : dockerRegistry(folder, host);
  const [program = "", ...args] = argv;
  const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/flotilla") }; // as the launcher does
  const child = spawn(program, args, {
    cwd: ROOT,
    env,
    stdio: ["ignore", "ignore", kind === "flotilla" ? "inherit" : "ignore"],
  });
  const url = `http://${host}`;
  await ready(child, kind === "flotilla" ? `${url}/readyz` : `${url}/v2/`);
  const token = kind === "flotilla" ? readFileSync(join(folder, "owner-token"), "utf8").trim() : undefined;
  const credentials =
    token === undefined ? undefined : ({ kind: "basic", username: "token", password: token } as const);
  return {
    url,
    token,
    client: createRegistryClient({ baseUrl: url, ...(credentials && { credentials }) }),
    peakMb: () => peakMbOf(child),
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function flotilla(folder: string, host: string): readonly string[] {
  const command = [process.execPath, join(ROOT, "packages/cli/src/main.ts"), "serve"];
  const settings = [
    "--data",
    join(folder, "data"),
    "--listen",
    host,
    "--owner-token-file",
    join(folder, "owner-token"),
  ];
  return [...command, ...settings, "--requests-per-minute", "1000000", "--log-level", "warn"];
}

function dockerRegistry(folder: string, host: string): readonly string[] {
  const config = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: {
      cache: { blobdescriptor: "inmemory" },
      filesystem: { rootdirectory: join(folder, "data") },
      delete: { enabled: true },
    },
    http: { addr: host },
  };
  const file = join(folder, "config.yml");
  writeFileSync(file, JSON.stringify(config));
  return [DEBIAN, "serve", file];
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  for (let tries = 0; tries < START_TRIES && child.exitCode === null; tries++) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error(`${child.spawnargs.join(" ")} did not start`);
}

function peakMbOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return address.port;
}
