import assert from "node:assert/strict";
import { test } from "node:test";
import { Health, Readiness } from "@flotilla/protocol/api/core";
import { startTestServer } from "../testing.ts";

test("a started server is alive and ready", async () => {
  await using server = await startTestServer();
  assert.deepEqual(await server.client.get("/healthz", Health), { status: "ok" });
  assert.deepEqual((await server.client.get("/readyz", Readiness)).checks, { database: true, advisories: true });
});

test("a part that does not work makes the server not ready, by name", async () => {
  await using server = await startTestServer();
  server.context.readiness.add("broken part", async () => {
    throw new Error("does not work");
  });
  await assert.rejects(server.client.get("/readyz", Readiness), { code: "not-ready", message: /broken part/ });
});

test("figures carry the route's pattern", async () => {
  await using server = await startTestServer();
  await server.client.get("/healthz", Health);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(text, /flotilla_http_request_duration_seconds_count\{method="GET",route="\/healthz",status="200"\} 1/);
});
