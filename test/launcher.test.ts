import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const RUN = new URL("../bin/run.mjs", import.meta.url).pathname;

/** Runs `bin/run.mjs` as if on another machine: `pretend` is evaluated before it. */
function launch(file: string, args: readonly string[], pretend = "") {
  const before = `data:text/javascript,${encodeURIComponent(pretend)}`;
  return spawnSync(process.execPath, ["--import", before, RUN, file, ...args], { encoding: "utf8" });
}

function program(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "flotilla-launcher-")), "program.ts");
  writeFileSync(file, text);
  return file;
}

const OLD_NODE = 'Object.defineProperty(process.versions, "node", { value: "20.0.0" });';

test("a program of ours runs on the pinned Node, whichever Node started it", () => {
  const file = program(
    "const version: string = process.versions.node; process.stdout.write(version.split('.')[0] + process.argv.slice(2).join());",
  );
  const result = launch(file, ["a", "b"], OLD_NODE);
  assert.equal(result.stdout, "26a,b", result.stderr);
  assert.equal(result.status, 0);
});

test("exit codes and signals of the program are those of the launcher", () => {
  assert.equal(launch(program("process.exit(7)"), []).status, 7);
  assert.equal(
    launch(program("process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60_000);"), []).status,
    128 + 15,
  );
});

test("a platform without a packaged Node is told what to do, in a sentence", () => {
  const result = launch(program(""), [], `${OLD_NODE} Object.defineProperty(process, "platform", { value: "sunos" });`);
  assert.equal(result.status, 69);
  assert.match(
    result.stderr,
    /^flotilla: no Node 26 is packaged for sunos-\w+\. Install Node 26 or newer yourself .*packaged platforms are linux-x64/,
  );
});
