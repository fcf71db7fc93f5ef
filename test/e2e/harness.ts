// Everything a story needs: a real server process, the command line as users call it, small real images, and devices that run the shipped
// executable against the real engine. Whatever was started is ended again, by id.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const ROOT = new URL("../..", import.meta.url).pathname;
export const DOCKER_SOCKET = process.env.FLOTILLA_TEST_DOCKER ?? "";
const START_MS = 60_000;
const COMMAND_MS = 120_000;

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function runProgram(
  argv: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Result> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      timeout: COMMAND_MS,
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
    child.stdin.on("error", () => {}); // the program may end without reading it
    child.stdin.end(options.input ?? "");
  });
}

/** A folder that is gone when the story ends. */
export class Scratch implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "flotilla-story-"));

  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A process of ours with its output kept for the message of a failed story. */
export class Running implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #closed: Promise<void>;
  output = "";

  constructor(name: string, argv: readonly string[], env: Record<string, string> = {}) {
    const [program = "", ...args] = argv;
    this.#name = name;
    this.#child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-200_000);
    };
    this.#child.stdout?.on("data", keep);
    this.#child.stderr?.on("data", keep);
    this.#closed = new Promise((resolve) => this.#child.on("close", () => resolve()));
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    await Promise.race([this.#closed, sleep(15_000, undefined, { ref: false })]);
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  describe(): string {
    return `${this.#name} (exit code ${this.exitCode}) said:\n${this.output.slice(-6000)}`;
  }
}

/** Waits until `look` gives something other than undefined or false; fails after `ms` with what `what` says. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => Promise<T | undefined | false>,
  ms = 60_000,
): Promise<T> {
  const deadline = Date.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline)
      assert.fail(
        `not within ${ms / 1000} s: ${typeof what === "string" ? what : what()}${last === undefined ? "" : `; last: ${String(last)}`}`,
      );
    await sleep(250);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

/** A real server process with an owner's token. */
export class Server implements AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly token: string;
  readonly process: Running;
  readonly #scratch: Scratch;

  private constructor(host: string, token: string, process_: Running, scratch: Scratch) {
    this.host = host;
    this.url = `http://${host}`;
    this.token = token;
    this.process = process_;
    this.#scratch = scratch;
  }

  static async start(): Promise<Server> {
    const scratch = new Scratch();
    const host = `127.0.0.1:${await freePort()}`;
    const tokenFile = join(scratch.path, "owner-token");
    const argv = [
      process.execPath,
      "packages/cli/src/main.ts",
      "serve",
      "--data",
      join(scratch.path, "data"),
      "--listen",
      host,
      "--owner-token-file",
      tokenFile,
    ];
    const running = new Running("flotilla serve", argv);
    await eventually(
      () => `the server is ready; ${running.describe()}`,
      async () => running.exitCode !== null || (await fetch(`http://${host}/readyz`)).ok,
      START_MS,
    );
    assert.equal(running.exitCode, null, running.describe());
    return new Server(host, readFileSync(tokenFile, "utf8").trim(), running, scratch);
  }

  /** Runs `flotilla` as the owner. */
  flotilla(...args: string[]): Promise<Result> {
    return runProgram([process.execPath, "packages/cli/src/main.ts", ...args], {
      env: {
        FLOTILLA_SERVER: this.url,
        FLOTILLA_TOKEN: this.token,
        FLOTILLA_CONFIG_DIR: join(this.#scratch.path, "config"),
      },
    });
  }

  /** Runs `flotilla … --json`, expects success and gives the result. */
  async json<T>(...args: string[]): Promise<T> {
    const result = await this.flotilla(...args, "--json");
    assert.equal(result.code, 0, `flotilla ${args.join(" ")} failed:\n${result.stderr}\n${result.stdout}`);
    return JSON.parse(result.stdout) as T;
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    assert.ok(response.ok, `GET ${path}: ${response.status} ${await response.clone().text()}`);
    return (await response.json()) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await this.#scratch[Symbol.asyncDispose]();
  }
}
