import assert from "node:assert/strict";
import { test } from "node:test";
import { mustRelease, pageOf, rollout, startRollout, webApp } from "./apps.ts";
import { Device, docker } from "./device.ts";
import { eventually, freePort, Scratch, Server } from "./harness.ts";
import { pushImage, webImage } from "./images.ts";

test("a healthy update is committed: digests are told, the old containers are gone, the volume keeps its data", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  await using device = await Device.start(server, "press-1", "site=oslo");
  const port = await freePort();

  const v1 = webImage("page one");
  await pushImage(server, "default/web", "1", v1);
  const first = await mustRelease(server, scratch, webApp(`${server.host}/default/web:1`, port));
  await startRollout(server, "shop", first, "--selector", "site=oslo", "--phases", "100%");
  const before = await device.reaches("commits the first release", ({ apps }) => apps.shop?.release === first);
  assert.equal(await pageOf(port), "page one");
  assert.equal(before.apps.shop?.containers[0]?.image, v1.config.digest);
  const oldContainer = before.apps.shop?.containers[0]?.containerId ?? "";
  await docker("exec", oldContainer, "/bin/busybox", "sh", "-c", "echo kept > /data/note");

  const v2 = webImage("page two");
  await pushImage(server, "default/web", "2", v2);
  const second = await mustRelease(server, scratch, webApp(`${server.host}/default/web:2`, port));
  assert.notEqual(second, first);
  const started = await startRollout(server, "shop", second, "--phases", "100%");
  const after = await device.reaches(
    "commits the second release and has removed the first",
    ({ apps }) => apps.shop?.release === second && apps.shop.containers.length === 1,
  );
  assert.equal(await pageOf(port), "page two");
  assert.equal(after.apps.shop?.verdict?.kind, "commit");
  assert.equal(after.apps.shop?.containers[0]?.image, v2.config.digest);
  await eventually("the rollout finishes", async () => (await rollout(server, started.id)).state === "finished");

  const container = after.apps.shop?.containers[0]?.containerId ?? "";
  assert.equal(await docker("exec", container, "/bin/busybox", "cat", "/data/note"), "kept");
  const ids = (await docker("ps", "-aq", "--no-trunc", "--filter", "label=io.flotilla.app=shop")).split("\n");
  assert.deepEqual(ids, [container], "only the new container is left");

  const status = await device.agent("status", "--json");
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, new RegExp(second));
  const logs = await server.json<{ action: string }[]>("audit", "log", "--limit", "200");
  for (const action of [
    "device.enrolled",
    "image.scanned",
    "release.created",
    "rollout.created",
    "device.committed",
    "rollout.finished",
  ]) {
    assert.ok(
      logs.some((event) => event.action === action),
      `${action} is in the audit log`,
    );
  }
  assert.equal((await server.flotilla("audit", "verify")).code, 0);
});

test("a device that was killed in the middle comes back and ends in the new release", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  await using device = await Device.start(server, "press-2");
  const port = await freePort();
  await pushImage(server, "default/web", "1", webImage("page one"));
  const first = await mustRelease(server, scratch, webApp(`${server.host}/default/web:1`, port));
  await startRollout(server, "shop", first, "--phases", "100%");
  await device.reaches("commits the first release", ({ apps }) => apps.shop?.release === first);

  await pushImage(server, "default/web", "2", webImage("page two"));
  const second = await mustRelease(server, scratch, webApp(`${server.host}/default/web:2`, port));
  await startRollout(server, "shop", second, "--phases", "100%");
  await device.reaches(
    "begins the second release",
    ({ apps }) => apps.shop?.phase !== "idle" || apps.shop?.release === second,
  );
  await device.kill();
  device.restart();
  await device.reaches("commits the second release", ({ apps }) => apps.shop?.release === second);
  assert.equal(await pageOf(port), "page two");
});
