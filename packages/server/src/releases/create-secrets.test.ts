import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { CodedError } from "@flotilla/base/errors";
import { type GateReason, ReleaseDetail } from "@flotilla/protocol/api/releases";
import { startTestServer } from "../testing.ts";
import { goodImage, push, releaseRequest } from "./release.fixture.ts";

const web = (fields: string) => `name: shop\nservices: { web: { image: web:1, ${fields} } }\n`;

test("the policy judges it: a likely one is warned of, a proven one blocks, with the way out", async () => {
  await using server = await startTestServer();
  const digest = await push(server, "default/web", goodImage());
  const path = "/api/v1/projects/default/apps/shop/releases";
  const likely = await releaseRequest(web("environment: { DB_PASSWORD: hunter2 }"), { "web:1": digest });
  const release = await server.client.post(path, likely, ReleaseDetail);
  assert.equal(release.outcome, "warn");
  const [reason] = release.gate.reasons;
  assert.deepEqual([reason?.image, reason?.finding?.kind], ["compose.yaml", "secret"]);
  assert.match(reason?.message ?? "", /services\.web\.environment\.DB_PASSWORD: give it as a secret \(secrets:\)/);
  assert.ok(!JSON.stringify(release.gate).includes("hunter2"));

  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ format: "pem", type: "pkcs1" }).toString();
  const proven = await releaseRequest(web(`environment: { TLS: ${JSON.stringify(pem)} }`), { "web:1": digest });
  const refused = await server.client.post(path, proven, ReleaseDetail).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(refused instanceof CodedError && refused.code === "release-blocked", String(refused));
  const reasons = refused.details["reasons"] as GateReason[];
  assert.equal(reasons[0]?.finding?.location.path, "compose.yaml: services.web.environment.TLS");
  assert.ok(!JSON.stringify(refused.details).includes(pem.slice(40, 90)));
});
