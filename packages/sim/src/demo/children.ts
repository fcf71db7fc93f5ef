import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";

const LAUNCHER = fileURLToPath(new URL("../../../cli/bin/flotilla.mjs", import.meta.url));
const START_MS = 30_000;
const POLL_MS = 100;
const STOP_MS = 10_000;

export interface ServerProcess {
  readonly url: string;
  /** Resolves when it ends by itself. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts `flotilla serve` as a child process and waits until it answers. */
export async function startServer(
  options: { readonly dataDir: string; readonly tokenFile: string; readonly logFile: string; readonly port: number },
  clock: Clock,
): Promise<ServerProcess> {
  const listen = `127.0.0.1:${options.port}`;
  const flags = ["--data", options.dataDir, "--listen", listen, "--owner-token-file", options.tokenFile];
  const child = spawn(process.execPath, [LAUNCHER, "serve", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(options.logFile, { mode: 0o600 });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  let running = true;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      running = false;
      log.end();
      resolve();
    });
  });
  const stop = async () => {
    child.kill("SIGTERM");
    const late = new AbortController();
    await Promise.race([ended, clock.sleep(STOP_MS, late.signal).then(() => child.kill("SIGKILL"))]);
    late.abort();
  };
  const url = `http://${listen}`;
  if (await isReady(url, clock, () => running)) return { url, ended, stop };
  await stop();
  throw new CodedError("server-failed", `the server did not start; what it said is in ${options.logFile}`);
}

async function isReady(url: string, clock: Clock, isRunning: () => boolean): Promise<boolean> {
  const until = clock.monotonic() + START_MS;
  while (isRunning() && clock.monotonic() < until) {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    if (answer?.ok) return true;
    await clock.sleep(POLL_MS);
  }
  return false;
}

/** 8080 when it is free, else any. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? wanted;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined));
    });
  });
}

/** Runs the `flotilla` command as a person would, and gives what it printed. */
export type Flotilla = (
  ...words: readonly string[]
) => Promise<{ readonly code: number; readonly lines: readonly string[]; readonly stdout: string }>;

export function flotillaOf(environment: Readonly<Record<string, string | undefined>>, folder: string): Flotilla {
  return (...words) =>
    new Promise((resolve, reject) => {
      const stdio = ["ignore", "pipe", "pipe"] as const;
      const child = spawn(process.execPath, [LAUNCHER, ...words], {
        cwd: folder,
        env: { ...environment },
        stdio: [...stdio],
      });
      let stdout = "";
      let both = "";
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        both += text;
      });
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        both += text;
      });
      child.once("error", reject);
      child.once("close", (code) => resolve({ code: code ?? 1, lines: both.trimEnd().split("\n"), stdout }));
    });
}
