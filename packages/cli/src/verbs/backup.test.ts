import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "flotilla-cli-backup-"));
const at = (name: string) => join(folder, name);

/** Starts `flotilla`; resolves with its end. `until` kills it when that was said. */
function flotilla(
  args: readonly string[],
  until?: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  after(() => child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (until !== undefined && output.includes(until)) child.kill("SIGKILL");
    });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
}

after(() => rmSync(folder, { recursive: true, force: true }));

test("a killed server's data is backed up and restored, and its chain of events holds", async () => {
  const serve = ["serve", "--listen", "127.0.0.1:0", "--owner-token-file", at("token")];
  await flotilla([...serve, "--data", at("data")], "its data is in");
  const made = await flotilla([
    "backup",
    "--data",
    at("data"),
    "--to",
    at("backup"),
    "--with-keys",
    at("keys"),
    "--json",
  ]);
  assert.equal(made.code, 0, made.output);
  const { events } = JSON.parse(made.output) as { readonly events: { readonly count: number; readonly head: string } };
  assert.ok(events.count > 0);
  const restored = await flotilla(["restore", "--from", at("backup"), "--data", at("again"), "--keys", at("keys")]);
  assert.equal(restored.code, 0, restored.output);
  assert.match(restored.output, new RegExp(`${events.count} events \\(chain intact\\)`));
  const twice = await flotilla(["restore", "--from", at("backup"), "--data", at("again")]);
  assert.equal(twice.code, 2);
  assert.match(twice.output, /is not empty/);
  const { output } = await flotilla([...serve, "--data", at("again")], "its data is in");
  assert.match(output, /listens on/);
});
