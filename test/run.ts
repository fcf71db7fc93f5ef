// The test command: `npm test` runs types, lint, format and every test that needs nothing but this checkout; `npm test -- --setup` (root, Debian or Ubuntu)
// also installs and starts the real parts and runs everything. `npm test -- PATTERN …` runs the test files whose path holds a pattern.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { type Services, setupObstacle, startServices } from "./services.ts";
import { buildTools } from "./tools.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const FULL_COMMAND = "npm test -- --setup";
const TEST_TIMEOUT_MS = 10 * 60_000;

interface Tally {
  passed: number;
  failed: string[];
  skipped: string[];
}

const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ["types", ["node_modules/.bin/tsc", "--noEmit", "-p", "."]],
  ["lint and format", ["node_modules/.bin/biome", "check", "--error-on-warnings", "."]],
];

const args = process.argv.slice(2);
const setup = args.includes("--setup");
const patterns = args.filter((arg) => !arg.startsWith("--"));
const unknown = args.filter((arg) => arg.startsWith("--") && arg !== "--setup");
process.chdir(ROOT);
process.exitCode = await main();

async function main(): Promise<number> {
  if (unknown.length > 0)
    return complain(`unknown option ${unknown.join(" ")}; usage: npm test -- [--setup] [PATTERN ...]`);
  const obstacle = setup ? setupObstacle() : undefined;
  if (obstacle !== undefined) return complain(obstacle);
  const files = testFiles();
  if (files.length === 0) return complain(`no test file's path holds ${patterns.join(" or ")}`);
  const tally: Tally = { passed: 0, failed: [], skipped: [] };
  if (patterns.length === 0) for (const [name, argv] of CHECKS) check(name, argv, tally);
  const services = setup ? await startServices(say) : undefined;
  try {
    if (setup) Object.assign(process.env, buildTools(say));
    await runAll(files, services, tally);
  } finally {
    await services?.stop();
  }
  return summarise(tally);
}

function check(name: string, argv: readonly string[], tally: Tally): void {
  say(name);
  const [program = "", ...rest] = argv;
  const result = spawnSync(program, rest, { stdio: "inherit" });
  if (result.status === 0) tally.passed++;
  else tally.failed.push(`${name} (${argv.join(" ")})`);
}

function testFiles(): string[] {
  const all = globSync(["packages/*/{src,build}/**/*.test.ts", "test/**/*.test.ts"]).sort();
  return patterns.length === 0 ? all : all.filter((file) => patterns.some((pattern) => file.includes(pattern)));
}

/** Files that need the real engine or real tools run one at a time, so that they do not disturb each other; the others side by side. */
async function runAll(files: readonly string[], services: Services | undefined, tally: Tally): Promise<void> {
  const socket = services?.dockerSocket ?? process.env["FLOTILLA_TEST_DOCKER"];
  const real = files.filter(needsDocker);
  const tools = files.filter(needsTools);
  await runFiles(
    files.filter((file) => !needsDocker(file) && !needsTools(file)),
    availableParallelism(),
    tally,
  );
  if (setup) await runFiles(tools, 1, tally);
  else tally.skipped.push(...tools.map((file) => `${file} (needs tools that --setup installs)`));
  if (real.length === 0) return;
  if (socket === undefined) {
    tally.skipped.push(...real.map((file) => `${file} (needs a Docker Engine)`));
    return;
  }
  process.env["FLOTILLA_TEST_DOCKER"] = socket;
  process.env["DOCKER_HOST"] = `unix://${socket}`;
  if (real.some((file) => file.startsWith("test/e2e/")))
    check("executables of the agent", [process.execPath, "packages/agent/build/main.ts"], tally);
  await runFiles(real, 1, tally);
}

function needsDocker(file: string): boolean {
  return file.endsWith(".docker.test.ts") || file.startsWith("test/e2e/");
}

/** Files that compare with the programs of `tools.ts` and with those that `services.ts` installs. */
function needsTools(file: string): boolean {
  return file.endsWith(".tool.test.ts");
}

function runFiles(files: readonly string[], concurrency: number, tally: Tally): Promise<void> {
  if (files.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const execArgv = ["--disable-warning=ExperimentalWarning"];
    const stream = run({ files: [...files], concurrency, timeout: TEST_TIMEOUT_MS, execArgv });
    stream.on("test:pass", (event) => {
      if (event.details.type === "suite") return;
      if (event.skip !== undefined || event.todo !== undefined)
        tally.skipped.push(`${event.name} (${event.skip || event.todo || event.file})`);
      else tally.passed++;
    });
    stream.on("test:fail", (event) => {
      if (event.details.type !== "suite") tally.failed.push(`${event.file}: ${event.name}`);
    });
    stream.on("error", reject);
    stream.on("end", () => resolve());
    stream.compose(new spec()).pipe(process.stdout, { end: false });
  });
}

function summarise(tally: Tally): number {
  say("summary");
  for (const name of tally.failed) process.stdout.write(`failed: ${name}\n`);
  for (const name of tally.skipped) process.stdout.write(`left out: ${name}\n`);
  if (tally.skipped.length > 0 && !setup)
    process.stdout.write(`To include what was left out, run as root on Debian or Ubuntu: ${FULL_COMMAND}\n`);
  if (tally.skipped.length > 0 && setup)
    process.stdout.write("With --setup nothing may be left out: this run failed.\n");
  process.stdout.write(`\n${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped.length} skipped\n`);
  return tally.failed.length > 0 || (setup && tally.skipped.length > 0) ? 1 : 0;
}

function say(line: string): void {
  process.stdout.write(`\n── ${line}\n`);
}

function complain(line: string): number {
  process.stderr.write(`${line}\n`);
  return 2;
}
