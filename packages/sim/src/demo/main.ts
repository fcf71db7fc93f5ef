// `npm start`: the whole way of one application, in front of the reader's eyes.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "@flotilla/agent/config";
import { systemClock } from "@flotilla/base/clock";
import { messageOf } from "@flotilla/base/errors";
import { silentLog } from "@flotilla/base/log";
import { formatDuration } from "@flotilla/base/units";
import { CreatedProvisioningToken } from "@flotilla/protocol/api/devices";
import { OneTimeCode } from "@flotilla/protocol/api/users";
import { type ApiClient, createApiClient } from "@flotilla/protocol/client";
import { createFleet } from "../fleet.ts";
import { flotillaOf, freePort, startServer } from "./children.ts";
import { createScreen } from "./screen.ts";
import { tellStory } from "./story.ts";
import { clearEngine, enrolThisMachine, findEngine, runThisMachine } from "./this-machine.ts";

const SITES = ["oslo", "bergen", "lisbon", "porto", "graz"];
const DEVICES_PER_SITE = 5;
const WANTED_PORT = 8080;

const clock = systemClock;
const startedMs = clock.monotonic();
const isTerminal = process.stdout.isTTY === true;
const screen = createScreen({
  write: (text) => process.stdout.write(text),
  isTerminal,
  colours: isTerminal && !process.env["NO_COLOR"],
});
/** For scripts: end when the story has been told. */
const leave = process.argv.includes("--exit");
const stop = new AbortController();
/** A terminal's Ctrl-C comes twice: to this process, and handed on by the launcher. One that comes later is from an impatient person. */
const TWICE_MS = 1000;
let interruptedMs: number | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted());

function interrupted(): void {
  interruptedMs ??= clock.monotonic();
  if (clock.monotonic() - interruptedMs > TWICE_MS) process.exit(130);
  stop.abort();
}

/** Agents that run. */
const tasks: Promise<void>[] = [];
/** Address of the engine that the demo uses. */
let docker: string | undefined;
let ended = false;

process.exitCode = await main().catch((error: unknown) => {
  screen.say(messageOf(error), "bad");
  return 1;
});
process.exit();

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-demo-"));
  screen.title("Flotilla: one application goes the whole way");
  screen.act("The server");
  const tokenFile = join(folder, "owner-token");
  const port = await freePort(WANTED_PORT);
  const server = await startServer(
    { dataDir: join(folder, "server"), tokenFile, logFile: join(folder, "server.log"), port },
    clock,
  );
  screen.say(
    `${server.url} is ready after ${formatDuration(clock.monotonic() - startedMs)}; everything is kept in ${folder}`,
  );
  void server.ended.then(() => stop.abort());
  const fleetStop = new AbortController();
  try {
    const token = readFileSync(tokenFile, "utf8").trim();
    const client = createApiClient({ baseUrl: server.url, token });
    const devices = await bringUpFleet(client, folder, fleetStop.signal);
    const environment = {
      ...process.env,
      FLOTILLA_SERVER: server.url,
      FLOTILLA_TOKEN: token,
      NO_COLOR: isTerminal ? undefined : "1",
    };
    const colours = isTerminal ? { FORCE_COLOR: "1" } : {};
    const compose = join(folder, "hello");
    mkdirSync(compose);
    const flotilla = flotillaOf({ ...environment, ...colours }, compose);
    await Promise.race([tellStory({ screen, clock, client, token, flotilla, folder: compose, devices }), stopped()]);
    await showWhatNext(client, folder);
    if (!leave) await untilStopped();
    ended = true;
    return 0;
  } finally {
    fleetStop.abort();
    await Promise.allSettled(tasks);
    await server.stop();
    if (docker !== undefined) await clearEngine(docker, "hello");
    if (ended) rmSync(folder, { recursive: true, force: true });
    else screen.say(`what happened is in ${folder}`, "dim");
  }
}

/** Enrols and starts the devices; returns how many. */
async function bringUpFleet(client: ApiClient, folder: string, signal: AbortSignal): Promise<number> {
  screen.act("The fleet");
  const environment = readEnvironment(process.env);
  const engine = await findEngine(environment.engine);
  const wanted: { name: string; provisioningToken: string }[] = [];
  for (const site of SITES) {
    const provisioningToken = await provisioningTokenFor(client, { site, kind: "simulated" }, DEVICES_PER_SITE);
    for (let index = 1; index <= DEVICES_PER_SITE; index++)
      wanted.push({ name: `${site}-${index}`, provisioningToken });
  }
  const fleet = await createFleet({
    server: new URL(client.baseUrl),
    devices: wanted,
    folder: join(folder, "devices"),
    clock,
    log: silentLog,
  });
  keep(fleet.run(signal));
  screen.say(
    `${fleet.devices.length} simulated devices in ${SITES.join(", ")} are enrolled, each with its own key: the real agent over an engine in memory`,
  );
  if (engine.kind === "none") {
    screen.say("No Docker Engine answers here, so this machine is not a device itself", "dim");
    return fleet.devices.length;
  }
  if (engine.kind === "taken") {
    screen.say(
      `Docker here runs another Flotilla agent's containers (${engine.containers.slice(0, 3).join(", ")}): the demo leaves it alone`,
      "warn",
    );
    return fleet.devices.length;
  }
  const { facts } = engine;
  const token = await provisioningTokenFor(client, { site: "here", kind: "docker" }, 1);
  const name = deviceName(hostname());
  docker = environment.engine;
  const machine = await enrolThisMachine({
    server: client.baseUrl,
    token,
    name,
    folder: join(folder, "this-machine"),
    environment,
  });
  keep(runThisMachine(machine, environment, signal));
  screen.say(
    `and this machine, as ${name}: a real device on Docker ${facts.version} (${facts.imageStore}, ${facts.architecture})`,
  );
  return fleet.devices.length + 1;
}

async function provisioningTokenFor(
  client: ApiClient,
  labels: Readonly<Record<string, string>>,
  maxUses: number,
): Promise<string> {
  const body = { labels, maxUses, description: "demo" };
  return (await client.post("/api/v1/projects/default/provisioning-tokens", body, CreatedProvisioningToken)).token;
}

async function showWhatNext(client: ApiClient, folder: string): Promise<void> {
  const { url } = await client.post("/api/v1/session/code", {}, OneTimeCode);
  screen.act(
    `Told in ${formatDuration(clock.monotonic() - startedMs)}. ${leave ? "" : "The server stays; look around:"}`.trimEnd(),
  );
  screen.say(`sign in (once, within 15 minutes): ${url}`, "strong");
  screen.command(`export FLOTILLA_SERVER=${client.baseUrl} FLOTILLA_TOKEN="$(cat ${join(folder, "owner-token")})"`);
  for (const line of [
    "device list",
    "rollout list",
    "release show hello r1",
    "device show oslo-1",
    "audit verify",
    "scan dir:.",
  ])
    screen.command(`npm exec -- flotilla ${line}`);
  if (!leave) screen.say("Ctrl-C ends the server and the devices.", "dim");
}

function deviceName(host: string): string {
  const name = host
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name === "" ? "this-machine" : name.slice(0, 60);
}

/** Devices go on in the background; what ends them early is seen in the story. */
function keep(task: Promise<void>): void {
  tasks.push(
    task.catch((error: unknown) => {
      if (!stop.signal.aborted) screen.say(`a device ended: ${messageOf(error)}`, "bad");
    }),
  );
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    if (stop.signal.aborted) resolve();
    stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function stopped(): Promise<void> {
  await untilStopped();
  throw new Error("stopped before the end");
}
