// Installs and starts the real parts that tests need: a Docker Engine of our own (its own data root, socket and network bridge), skopeo and
// static busybox. Everything that was started here is stopped again by the returned function.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Debian package by a file that shows that it is there. */
const PACKAGES: Readonly<Record<string, string>> = {
  "/usr/sbin/dockerd": "docker.io",
  "/usr/bin/containerd": "containerd",
  "/usr/sbin/iptables": "iptables",
  "/usr/bin/skopeo": "skopeo",
  "/bin/busybox": "busybox-static",
  "/usr/bin/buildah": "buildah",
  "/usr/bin/curl": "curl",
  ...(process.arch === "x64" ? { "/usr/aarch64-linux-gnu/lib/libc.so.6": "libc6-arm64-cross" } : {}),
};
const DOCKERD_START_MS = 60_000;

export interface Services {
  /** Path of the engine's socket. */
  readonly dockerSocket: string;
  stop(): Promise<void>;
}

/** Why `--setup` cannot work here, or undefined. */
export function setupObstacle(): string | undefined {
  if (process.platform !== "linux") return "--setup works on Debian and Ubuntu; run the tests without it here";
  if (process.getuid?.() !== 0)
    return "--setup installs packages and starts a Docker Engine, so it needs root: run it with sudo";
  if (!existsSync("/usr/bin/apt-get")) return "--setup works on Debian and Ubuntu: apt-get is not here";
  return undefined;
}

export async function startServices(say: (line: string) => void): Promise<Services> {
  installPackages(say);
  const folder = mkdtempSync(join(tmpdir(), "flotilla-docker-"));
  const dockerSocket = join(folder, "docker.sock");
  say(`starting a Docker Engine of our own (data in ${folder})`);
  const log = openSync(join(folder, "log"), "a");
  const argv = [
    "--data-root",
    join(folder, "data"),
    "--exec-root",
    join(folder, "exec"),
    "--pidfile",
    join(folder, "pid"),
  ];
  const daemon = spawn("/usr/sbin/dockerd", [...argv, "--host", `unix://${dockerSocket}`], {
    stdio: ["ignore", log, log],
  });
  const exited = new Promise<void>((resolve) => daemon.on("exit", () => resolve()));
  const stop = async () => {
    daemon.kill("SIGTERM");
    await Promise.race([exited, sleep(20_000, undefined, { ref: false })]);
    if (daemon.exitCode === null) daemon.kill("SIGKILL");
    removeFolder(folder, say);
  };
  const deadline = Date.now() + DOCKERD_START_MS;
  while (!(await answers(dockerSocket))) {
    if (daemon.exitCode !== null || Date.now() > deadline) {
      const tail = readFileSync(join(folder, "log"), "utf8").split("\n").slice(-15).join("\n");
      await stop();
      throw new Error(`the Docker Engine did not start; the end of its log:\n${tail}`);
    }
    await sleep(200);
  }
  return { dockerSocket, stop };
}

/** Containers that were ended in a hurry can leave mounts behind; what still cannot be removed is named, not a failure of the tests. */
function removeFolder(folder: string, say: (line: string) => void): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse();
  for (const path of mounts) spawnSync("umount", ["--lazy", path]);
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  } catch (error) {
    say(`${folder} could not be removed whole: ${(error as Error).message}`);
  }
}

function installPackages(say: (line: string) => void): void {
  const missing = Object.entries(PACKAGES).flatMap(([program, name]) => (existsSync(program) ? [] : [name]));
  if (spawnSync("go", ["version"]).status !== 0) missing.push("golang-go");
  if (missing.length === 0) return;
  say(`installing Debian packages: ${missing.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-q"],
    ["install", "-q", "-y", "--no-install-recommends", ...missing],
  ]) {
    const result = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (result.status !== 0) throw new Error(`apt-get ${args.join(" ")} failed:\n${result.stderr || result.stdout}`);
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path: "/_ping", timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on("error", () => resolve(false));
    call.on("timeout", () => call.destroy());
    call.end();
  });
}
