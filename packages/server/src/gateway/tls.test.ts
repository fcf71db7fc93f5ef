import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { GATEWAY_PATH } from "@flotilla/protocol/device";
import { parseProvisioningToken } from "@flotilla/protocol/provisioning-token";
import { WebSocket } from "ws";
import { createProvisioningToken } from "../devices/provisioning.ts";
import { startTestServer } from "../testing.ts";

test("a token carries the fingerprint of the server's own authority, which the gateway's certificate is of", async () => {
  await using server = await startTestServer({ settings: { tls: { kind: "own-authority" } } });
  const { tls } = server.context;
  assert.ok(tls?.caPem !== undefined);
  const actor = { kind: "user", id: "test" } as const;
  const { token } = await createProvisioningToken(server.context, { project: "default", actor });
  assert.equal(parseProvisioningToken(token)?.caFingerprint, tls.caFingerprint);
  const socket = new WebSocket(server.url.replace("http", "ws") + GATEWAY_PATH, { ca: tls.caPem });
  const [message] = await once(socket, "message");
  assert.equal(JSON.parse(String(message)).type, "challenge");
  socket.terminate();
});
