import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import type { BuiltImage } from "@flotilla/oci/build";
import { mustRelease, pageOf, startRollout } from "./apps.ts";
import { Device, docker } from "./device.ts";
import { eventually, freePort, Scratch, Server } from "./harness.ts";
import { pushImage, unhealthyImage, webImage } from "./images.ts";

const RESTORE_MS = 90_000;

let server: Server;
let device: Device;
let scratch: Scratch;
let port: number;

before(async () => {
  scratch = new Scratch();
  server = await Server.start();
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

beforeEach(async () => {
  device = await Device.start(server, `device-${Math.random().toString(36).slice(2)}`);
  port = await freePort();
});

afterEach(() => device[Symbol.asyncDispose]());

async function releaseOf(app: string, tag: string, image: BuiltImage, fields: string): Promise<string> {
  await pushImage(server, `default/${app}`, tag, image);
  return mustRelease(
    server,
    scratch,
    `name: ${app}
services:
  web:
    image: ${server.host}/default/${app}:${tag}
    stop_grace_period: 1s
${fields}`,
  );
}

async function committed(app: string, release: string): Promise<void> {
  await startRollout(server, app, release, "--phases", "100%");
  await device.reaches("commits", ({ apps }) => apps[app]?.release === release && apps[app]?.phase === "idle");
}

async function rolledBack(app: string, bad: string): Promise<void> {
  await startRollout(server, app, bad, "--phases", "100%");
  await device.reaches(
    "puts the old release back",
    ({ apps }) => apps[app]?.verdict?.release === bad && apps[app]?.verdict?.kind === "rollback",
    RESTORE_MS,
  );
}

/** Looks at the app on the engine again and again while `work` goes on. */
async function whileDoing(work: Promise<void>, look: () => Promise<void>): Promise<number> {
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  let looks = 0;
  try {
    for (; !done; looks++) await look();
  } finally {
    await ended;
  }
  return looks;
}

const ids = async (app: string, ...filters: string[]) =>
  (await docker("ps", "-q", "--no-trunc", "--filter", `label=io.flotilla.app=${app}`, ...filters)).split("\n");

test("start-first: one healthy container at every moment, and the old one is gone at the end or never stopped", async () => {
  const fields = "    x-flotilla: { strategy: start-first }\n";
  await committed("first", await releaseOf("first", "1", webImage("one"), fields));
  const [old] = await ids("first");
  const good = await releaseOf("first", "2", webImage("two"), fields);
  const looks = await whileDoing(committed("first", good), async () => {
    assert.notDeepEqual(await ids("first", "--filter", "health=healthy"), [""], "none is healthy");
  });
  assert.ok(looks > 3, `only ${looks} looks`);
  const [next, ...others] = await ids("first", "-a");
  assert.notEqual(next, old);
  assert.deepEqual(others, []);

  const bad = await releaseOf("first", "3", unhealthyImage("three"), fields);
  await whileDoing(rolledBack("first", bad), async () => {
    assert.ok((await ids("first", "--filter", "health=healthy")).includes(next ?? ""), "the old one stopped");
  });
  assert.deepEqual(await ids("first", "-a"), [next]);
});

test("delete-then-download: never two images at once; a bad release is put back by another download", async () => {
  const fields = `    ports: ["127.0.0.1:${port}:8080"]\n    x-flotilla: { strategy: delete-then-download }\n`;
  // Of this run alone: an image that the engine had before is not the agent's to remove.
  const run = Math.random().toString(36).slice(2);
  const app = `second-${run}`;
  const images = async () => (await docker("images", "-q", "--no-trunc", `default/${app}`)).split("\n");
  const never2 = async () => assert.ok((await images()).length <= 1, "the old image is beside the new one");
  await committed(app, await releaseOf(app, "1", webImage(`one ${run}`), fields));
  const [old] = await images();
  assert.match(old ?? "", /^sha256:/);
  const good = await releaseOf(app, "2", webImage(`two ${run}`), fields);
  const looks = await whileDoing(committed(app, good), never2);
  assert.ok(looks > 3, `only ${looks} looks`);
  assert.equal((await images()).includes(old ?? ""), false);
  assert.equal(await pageOf(port), `two ${run}`);

  const bad = await releaseOf(app, "3", unhealthyImage(`three ${run}`), fields);
  await whileDoing(rolledBack(app, bad), never2);
  await eventually("the old page is served", async () => (await pageOf(port)) === `two ${run}`, 10_000);
});
