import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "@flotilla/base/clock";
import { silentLog } from "@flotilla/base/log";
import { Rollout } from "@flotilla/protocol/api/rollouts";
import { createApiClient } from "@flotilla/protocol/client";
import { DEFAULT_SETTINGS } from "../config.ts";
import { enrolFakeDevice, type FakeDevice, withServer } from "../gateway/device.fake.ts";
import { startServer } from "../serve.ts";
import type { TestServer } from "../testing.ts";
import { addRelease, eventually } from "./release.fixture.ts";

/** A server on a data folder that outlives it. */
async function open(dataDir: string): Promise<TestServer> {
  const ownerTokenFile = join(dataDir, "owner-token");
  const settings = { ...DEFAULT_SETTINGS, dataDir, ownerTokenFile, listen: { host: "127.0.0.1", port: 0 } };
  const running = await startServer({ settings, clock: systemClock, log: silentLog });
  const ownerToken = (await readFile(ownerTokenFile, "utf8")).trim();
  const clientWith = (token: string | undefined) =>
    createApiClient({ baseUrl: running.url, ...(token === undefined ? {} : { token }) });
  const { url, app, context, stop } = running;
  return {
    url,
    app,
    context,
    dataDir,
    ownerToken,
    client: clientWith(ownerToken),
    clientWith,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

test("a rollout goes on where it stood when the server starts again", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "flotilla-restart-"));
  const first = await open(dataDir);
  await addRelease(first, { number: 1 });
  const devices: FakeDevice[] = [];
  for (let index = 0; index < 3; index++) devices.push(await enrolFakeDevice(first));
  const connections = await Promise.all(devices.map((device) => device.connect()));
  const { id } = await first.client.post(
    "/api/v1/projects/default/rollouts",
    { app: "web", release: "r1", phases: ["2", "100%"] },
    Rollout,
  );
  const look = (server: TestServer) => () => server.client.get(`/api/v1/projects/default/rollouts/${id}`, Rollout);
  await eventually(first, look(first), ({ counts }) => counts.pending === 2);
  await first.stop();
  const refusals = await Promise.all(connections.map((connection) => connection.next("refusal")));
  assert.ok(refusals.every(({ code, retryAfterMs }) => code === "restarting" && retryAfterMs !== undefined));

  const second = await open(dataDir);
  assert.deepEqual((await look(second)()).counts.pending, 2);
  for (const device of devices) (await withServer(second, device).connect()).obey();
  const end = await eventually(second, look(second), ({ state }) => state === "finished");
  assert.equal(end.counts.committed, 3);
  await second.stop();
  await rm(dataDir, { recursive: true });
});
