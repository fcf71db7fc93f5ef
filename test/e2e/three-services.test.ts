import assert from "node:assert/strict";
import { test } from "node:test";
import { mustRelease, pageOf, rollout, startRollout } from "./apps.ts";
import { Device, docker, enrolAbsentAfter } from "./device.ts";
import { eventually, freePort, Scratch, Server } from "./harness.ts";
import { crashingImage, pushImage, webImage } from "./images.ts";

/** A front that shows what a store serves, a job that must end before the front starts, and a value that each device fills in. */
function threeServices(host: string, port: number, tag: string): string {
  return `name: shop
x-flotilla:
  variables:
    SITE: {}
services:
  store:
    image: ${host}/default/store:1
    networks: [inner]
  prepare:
    image: ${host}/default/store:1
    command: ["/bin/busybox", "sh", "-c", "echo prepared for \${SITE} > /data/site"]
    volumes: ["data:/data"]
    restart: "no"
    networks: [inner]
  front:
    image: ${host}/default/front:${tag}
    command: ${tag === "bad" ? '["/bin/busybox", "sh", "-c", "exit 3"]' : `["/bin/busybox", "sh", "-c", "cp /data/site /tmp/index.html; exec /bin/busybox httpd -f -p 8080 -h /tmp"]`}
    environment:
      SITE: "\${SITE}"
    ports: ["127.0.0.1:${port}:8080"]
    volumes: ["data:/data"]
    networks: [inner]
    depends_on:
      store: { condition: service_healthy }
      prepare: { condition: service_completed_successfully }
    x-flotilla:
      probe: { http: { port: 8080, path: /index.html }, deadline: 20s }
networks:
  inner: {}
volumes:
  data: {}
`;
}

test("three services and a device variable: updated together, and restored together", async () => {
  await using scratch = new Scratch();
  await using server = await Server.start();
  await using device = await Device.start(server, "press-7", "site=oslo");
  await enrolAbsentAfter(server, device);
  const port = await freePort();
  await pushImage(server, "default/store", "1", webImage("store"));
  await pushImage(server, "default/front", "1", webImage("front"));
  await server.json("variable", "set", "SITE", "everywhere");
  await server.json("variable", "set", "SITE", "oslo-7", "--device", "press-7");

  const first = await mustRelease(server, scratch, threeServices(server.host, port, "1"));
  await startRollout(server, "shop", first, "--selector", "site=oslo", "--phases", "100%");
  const good = await device.reaches("commits", ({ apps }) => apps.shop?.release === first);
  assert.equal((await pageOf(port))?.trim(), "prepared for oslo-7");
  assert.deepEqual(good.apps.shop?.containers.map(({ service }) => service).sort(), ["front", "prepare", "store"]);
  const front = good.apps.shop?.containers.find(({ service }) => service === "front")?.containerId ?? "";
  const store = good.apps.shop?.containers.find(({ service }) => service === "store")?.containerId ?? "";
  assert.match(await docker("inspect", "-f", "{{.Config.Env}}", front), /SITE=oslo-7/);

  await pushImage(server, "default/front", "bad", crashingImage("bad"));
  const bad = await mustRelease(server, scratch, threeServices(server.host, port, "bad"));
  const { id } = await startRollout(server, "shop", bad, "--phases", "1,100%");
  const restored = await device.reaches(
    "puts the first release back",
    ({ apps }) =>
      apps.shop?.verdict?.release === bad && apps.shop.verdict.kind === "rollback" && apps.shop.phase === "idle",
  );
  assert.equal(restored.apps.shop?.release, first);
  await eventually("the page is served again", async () => (await pageOf(port))?.trim() === "prepared for oslo-7");
  const stillThere = restored.apps.shop?.containers.find(({ service }) => service === "store")?.containerId;
  assert.equal(stillThere, store, "a service that did not change was left alone");
  await eventually("the rollout stops", async () => (await rollout(server, id)).state === "stopped");
});
