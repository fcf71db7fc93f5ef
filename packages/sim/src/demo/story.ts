import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { formatBytes, formatDuration } from "@flotilla/base/units";
import { createRegistryClient } from "@flotilla/oci/client";
import { Device } from "@flotilla/protocol/api/devices";
import type { Rollout } from "@flotilla/protocol/api/rollouts";
import type { ApiClient } from "@flotilla/protocol/client";
import type { Flotilla } from "./children.ts";
import { buildVersion, pushIndex, VERSIONS, type Version } from "./images.ts";
import { failedDevices, followRollout } from "./rollout.ts";
import type { Screen } from "./screen.ts";

const PHASES = "3,10,100%";
const SETTLE_MS = 60_000;
const LOOK_MS = 500;
const DEVICES = "/api/v1/projects/default/devices";

export interface StoryOptions {
  readonly screen: Screen;
  readonly clock: Clock;
  readonly client: ApiClient;
  readonly token: string;
  readonly flotilla: Flotilla;
  /** Compose files are written here. */
  readonly folder: string;
  readonly devices: number;
}

/** Acts three to six: a careless version is stopped, a repaired one goes out, a broken one comes back. */
export async function tellStory(options: StoryOptions): Promise<void> {
  await carelessVersion(options);
  await repairedVersion(options);
  await brokenVersion(options);
}

async function carelessVersion(options: StoryOptions): Promise<void> {
  const { screen } = options;
  screen.act("hello 1.0 carries an old axios, and somebody left a private key in it");
  await push(VERSIONS.careless, options);
  const { code } = await release(VERSIONS.careless, options);
  if (code === 0) throw unexpected("the gate let hello 1.0 pass");
  screen.say("It never became a release: no device can be told to run it.", "good");
}

async function repairedVersion(options: StoryOptions): Promise<void> {
  const { screen, client } = options;
  screen.act("hello 1.1 is repaired");
  await push(VERSIONS.repaired, options);
  const tag = await mustRelease(VERSIONS.repaired, options);
  screen.act(`${tag} goes out in phases: 3 devices, then 10, then all`);
  const started = await startRollout(tag, options);
  const rollout = await followRollout(client, started.id, screen, options.clock);
  if (rollout.state !== "finished") throw unexpected(`the rollout of hello 1.1 is ${rollout.state}`);
  screen.say(`Every device reported that ${tag} proved healthy.`, "good");
}

async function brokenVersion(options: StoryOptions): Promise<void> {
  const { screen, client, clock } = options;
  screen.act("hello 1.2 passes the guard, starts, and is not healthy");
  await push(VERSIONS.broken, options);
  const tag = await mustRelease(VERSIONS.broken, options);
  const started = await startRollout(tag, options);
  const rollout = await followRollout(client, started.id, screen, clock);
  if (rollout.state !== "stopped") throw unexpected(`the rollout of hello 1.2 is ${rollout.state}`);
  screen.say(`The rollout stopped by itself: ${rollout.reason?.message ?? "its stop rule held"}`, "warn");
  await showRestored(started, options);
}

/** Waits until the canaries run what they ran before, and shows what they said. */
async function showRestored(rollout: Rollout, { screen, client, clock, devices }: StoryOptions): Promise<void> {
  const until = clock.monotonic() + SETTLE_MS;
  let good = 0;
  while (good < devices && clock.monotonic() < until) {
    good = await countHealthy(client, rollout.release);
    screen.progress(`${good} of ${devices} devices run hello 1.1, healthy`);
    if (good < devices) await clock.sleep(LOOK_MS);
  }
  for (const { name, reason } of await failedDevices(client, rollout.id))
    screen.quote([`${name.padEnd(12)} ${firstLine(reason?.message)}`]);
  if (good < devices) throw unexpected("not every device is back");
  screen.say("The canaries restored themselves; no other device ever saw hello 1.2.", "good");
}

/** Devices whose app runs, idle, on a release that is not `release`. */
async function countHealthy(client: ApiClient, release: string): Promise<number> {
  let count = 0;
  for await (const { apps } of client.items(DEVICES, Device, { query: { limit: 100 } })) {
    const app = apps["hello"];
    if (app?.phase === "idle" && app.release !== undefined && app.release !== release) count++;
  }
  return count;
}

async function push(version: Version, { screen, client, token, clock }: StoryOptions): Promise<void> {
  const startedMs = clock.monotonic();
  const registry = createRegistryClient({
    baseUrl: client.baseUrl,
    credentials: async () => ({ kind: "basic", username: "token", password: token }),
  });
  const bytes = await pushIndex(registry, "default/hello", version.tag, buildVersion(version));
  const time = formatDuration(clock.monotonic() - startedMs);
  screen.say(
    `pushed default/hello:${version.tag} for amd64 and arm64 (${formatBytes(bytes)} in ${time}), scanned while it arrived`,
  );
}

async function release(version: Version, { screen, flotilla, folder }: StoryOptions) {
  const name = `compose-${version.tag}.yaml`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), composeFile(version));
  screen.command(`flotilla release create -f ${name}`);
  const result = await flotilla("release", "create", "-f", name);
  screen.quote([...result.lines, ...(result.code === 0 ? [] : [`exit code ${result.code}`])]);
  return result;
}

/** Makes a release and gives its tag. */
async function mustRelease(version: Version, options: StoryOptions): Promise<string> {
  const { code, stdout } = await release(version, options);
  const tag = /\b(r\d+)\b/.exec(stdout)?.[1];
  if (code !== 0 || tag === undefined) throw unexpected(`hello ${version.tag} did not become a release`);
  return tag;
}

async function startRollout(tag: string, { screen, flotilla }: StoryOptions): Promise<Rollout> {
  screen.command(`flotilla rollout create hello ${tag} --phases ${PHASES}`);
  const { code, stdout, lines } = await flotilla("rollout", "create", "hello", tag, "--phases", PHASES, "--json");
  if (code === 0) return JSON.parse(stdout) as Rollout;
  screen.quote(lines);
  throw unexpected("the rollout was not accepted");
}

function composeFile({ tag }: Version): string {
  return `name: hello
services:
  web:
    image: default/hello:${tag}
    restart: unless-stopped
    stop_grace_period: 1s
`;
}

function firstLine(text = ""): string {
  return text.split("\n")[0] ?? "";
}

function unexpected(what: string): CodedError {
  return new CodedError("demo-failed", `this is not how the story goes: ${what}`);
}
