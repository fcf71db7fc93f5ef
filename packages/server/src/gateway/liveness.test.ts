import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { FakeClock } from "@flotilla/base/clock.fake";
import { GATEWAY_PATH } from "@flotilla/protocol/device";
import { WebSocket } from "ws";
import { startTestServer, type TestServer } from "../testing.ts";
import { enrolFakeDevice } from "./device.fake.ts";

let server: TestServer;
let clock: FakeClock;
before(async () => {
  clock = new FakeClock();
  server = await startTestServer({ clock });
});
after(() => server.stop());

const dial = (options = {}) => new WebSocket(server.url.replace("http", "ws") + GATEWAY_PATH, options);

test("a quiet device is pinged and stays as long as it answers", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  for (let minute = 0; minute < 3; minute++) {
    await clock.advance(50_000);
    await connection.report({}, { full: true });
  }
  assert.equal(await lastSeen(device.id), device.enrolledAt, "being alive writes nothing");
  await connection.close();
  await clock.advance(10_000);
  assert.ok((await lastSeen(device.id))! > device.enrolledAt, "when it went is written soon after");
});

test("a device that does not answer a ping is taken for gone", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect({ autoPong: false });
  await clock.advance(45_000);
  await connection.pinged;
  await clock.advance(15_000);
  assert.equal((await connection.closed).code, 1006);
});

test("devices that stay connected are written down every quarter of an hour, together", async () => {
  const device = await enrolFakeDevice(server);
  const connection = await device.connect();
  const before = await lastSeen(device.id);
  for (let round = 0; round < 20; round++) {
    await clock.advance(46_000);
    await connection.report({}, { full: true });
  }
  assert.ok((await lastSeen(device.id))! > before!);
  await connection.close();
});

test("a peer that says no hello in time is sent away", async () => {
  const socket = dial();
  const closed = once(socket, "close");
  await once(socket, "message");
  await clock.advance(15_000);
  assert.equal((await closed)[0], 4003);
});

test("more connections than are admitted get a turn later", async () => {
  const sockets = Array.from({ length: 520 }, () => dial());
  const outcomes = await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<number | string>((resolve) => {
          socket.on("error", () => undefined);
          socket.on("open", () => resolve("open"));
          socket.on("unexpected-response", (_, response) => {
            assert.equal(response.statusCode, 503);
            resolve(Number(response.headers["retry-after"]));
          });
        }),
    ),
  );
  const waits = outcomes.filter((outcome) => outcome !== "open");
  assert.ok(waits.length > 0 && waits.every((wait) => Number(wait) >= 1), JSON.stringify(waits));
  for (const socket of sockets) socket.terminate();
});

async function lastSeen(id: string): Promise<string | null | undefined> {
  const row = await server.context.database.read
    .selectFrom("devices")
    .select("last_seen_at")
    .where("id", "=", id)
    .executeTakeFirst();
  return row?.last_seen_at;
}
