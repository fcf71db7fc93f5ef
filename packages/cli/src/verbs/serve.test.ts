import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "flotilla-cli-serve-"));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  /** What it says on standard output until this is in it. */
  until(text: string): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
}

function serve(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [MAIN, "serve", "--listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FLOTILLA_LOG_LEVEL: "warn" },
  });
  children.push(child);
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      for (const listener of listeners) listener();
    });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, output })),
  );
  const until = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => output.includes(text) && resolve(output);
      listeners.add(look);
      look();
      ended.then(() => reject(new Error(`ended before it said "${text}": ${output}`)));
    });
  return { child, until, ended };
}

test("serves until it is told to stop, and another one on its data is told why not", async () => {
  const data = join(folder, "data");
  const ownerTokenFile = join(folder, "owner-token");
  const server = serve("--data", data, "--owner-token-file", ownerTokenFile);
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(await server.until("its data is in")) ?? [];
  assert.equal(statSync(ownerTokenFile).mode & 0o777, 0o600);
  const authorization = `Bearer ${readFileSync(ownerTokenFile, "utf8").trim()}`;
  assert.equal((await fetch(`${url}/api/v1/me`, { headers: { authorization } })).status, 200);
  const second = await serve("--data", data).ended;
  assert.notEqual(second.code, 0);
  assert.match(second.output, /another Flotilla server runs on/);
  assert.doesNotMatch(second.output, /^\s+at /m);
  server.child.kill("SIGTERM");
  assert.equal((await server.ended).code, 0);
});

test("without an owner it prints the link that makes one", async () => {
  const server = serve("--data", join(folder, "data2"));
  assert.match(await server.until("/setup?code="), /Become the first owner with this link/);
  server.child.kill("SIGINT");
  assert.equal((await server.ended).code, 0);
});

test("an unknown key of the configuration is named, and nothing is started", async () => {
  const config = join(folder, "flotilla.yaml");
  writeFileSync(config, "datta: x\n");
  const { code, output } = await serve("--config", config).ended;
  assert.notEqual(code, 0);
  assert.match(output, /datta: is not an option/);
});
