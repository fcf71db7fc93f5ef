import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BuiltImage } from "@flotilla/oci/build";
import { mustRelease, pageOf, rollout, startRollout, webApp } from "./apps.ts";
import { Device, enrolAbsentAfter } from "./device.ts";
import { eventually, freePort, Scratch, Server } from "./harness.ts";
import { crashingImage, pushImage, unhealthyImage, unstartableImage, webImage } from "./images.ts";

/** The probe's deadline in `webApp`, plus what a restore may take. */
const RESTORE_MS = 20_000 + 30_000;

interface Case {
  readonly name: string;
  readonly image: BuiltImage;
  /** What the device must say went wrong. */
  readonly reason: RegExp;
}

const CASES: readonly Case[] = [
  { name: "unhealthy", image: unhealthyImage("bad"), reason: /health check fails/ },
  { name: "crashing", image: crashingImage("bad"), reason: /cannot open the database|exit|restart/i },
  { name: "never starting", image: unstartableImage("bad"), reason: /not-there|start/i },
];

let server: Server;
let device: Device;
let scratch: Scratch;
let port: number;
let good: string;

before(async () => {
  scratch = new Scratch();
  server = await Server.start();
  device = await Device.start(server, "canary");
  port = await freePort();
  await pushImage(server, "default/web", "good", webImage("good page"));
  good = await mustRelease(server, scratch, compose("good"));
  await startRollout(server, "shop", good, "--phases", "100%");
  await device.reaches("commits the good release", ({ apps }) => apps.shop?.release === good);
  await enrolAbsentAfter(server, device);
});

after(async () => {
  await device[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

for (const [index, { name, image, reason }] of CASES.entries()) {
  test(`${name}: the previous release serves again, the bad one is remembered, the rollout stops at the canary`, async () => {
    const tag = `bad${index}`;
    await pushImage(server, "default/web", tag, image);
    // A crash is seen by the engine's restarts and health, not by a probe on a port.
    const bad = await mustRelease(server, scratch, name === "unhealthy" ? withoutProbe(compose(tag)) : compose(tag));
    const { id } = await startRollout(server, "shop", bad, "--phases", "1,100%");
    const view = await device.reaches(
      "puts the good release back",
      ({ apps }) =>
        apps.shop?.verdict?.release === bad && apps.shop.verdict.kind === "rollback" && apps.shop.phase === "idle",
      RESTORE_MS + 15_000,
    );
    assert.equal(view.apps.shop?.release, good);
    assert.match(view.apps.shop?.verdict?.reason ?? "", reason);
    await eventually("the good page is served", async () => (await pageOf(port)) === "good page", 10_000);
    const ended = await eventually("the rollout stops", async () => {
      const current = await rollout(server, id);
      return current.state === "stopped" && current;
    });
    assert.equal(ended.phase, 0, "it stopped in its first phase");
    assert.equal(ended.counts.failed, 1);
    assert.equal(ended.counts.waiting, 1, "the other device was not touched");

    const container = view.apps.shop?.containers[0]?.containerId;
    const again = await startRollout(server, "shop", bad, "--phases", "1,100%");
    await eventually("a second try ends at once", async () => (await rollout(server, again.id)).state === "stopped");
    const unchanged = await device.reaches("runs the good release", ({ apps }) => apps.shop?.phase === "idle");
    assert.equal(unchanged.apps.shop?.containers[0]?.containerId, container, "the bad release was not started again");
    assert.equal(await pageOf(port), "good page");
  });
}

function compose(tag: string): string {
  return webApp(`${server.host}/default/web:${tag}`, port);
}

function withoutProbe(text: string): string {
  return text.replace(/ {4}x-flotilla:\n.*\n/, "");
}
