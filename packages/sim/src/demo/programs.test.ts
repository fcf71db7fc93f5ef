import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { exitWith, sayAndStay } from "./programs.ts";

const folder = mkdtempSync(join(tmpdir(), "flotilla-programs-"));
after(() => rmSync(folder, { recursive: true }));
const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const runs = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

function program(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes, { mode: 0o755 });
  return path;
}

test("a program ends with the code it was made with", { skip: !runs }, () => {
  for (const code of [0, 1, 42])
    assert.equal(spawnSync(program(`exit-${code}`, exitWith(architecture, code))).status, code);
});

test("a program says its line and stays until it is killed", { skip: !runs }, async () => {
  const child = spawn(program("stay", sayAndStay(architecture, "hello 1.0: ready")));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  assert.equal(line.toString(), "hello 1.0: ready\n");
  assert.equal(child.exitCode, null);
  child.kill("SIGKILL");
  assert.deepEqual(await once(child, "exit"), [null, "SIGKILL"]);
});

test("both architectures are named in the header", () => {
  assert.equal(exitWith("amd64", 0)[18], 62);
  assert.equal(exitWith("arm64", 0)[18], 183);
});
