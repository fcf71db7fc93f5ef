import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { sha256 } from "@flotilla/oci/hash";
import type { Envelope } from "@flotilla/protocol/dsse";
import type { TargetDocument } from "@flotilla/protocol/target";
import { createFakeSigner, fakeTarget } from "./release.fake.ts";
import { openTarget, parseTargetKey } from "./target.ts";

const signer = createFakeSigner();
const key = parseTargetKey(signer.publicKey);
const release = sha256("release");
const document: TargetDocument = {
  format: 1,
  device: "device-1",
  version: 7,
  issuedAt: "2026-11-24T00:00:00.000Z",
  apps: { shop: fakeTarget(release, { GREETING: "hei" }) },
};
const envelope = signer.sign(document);

test("a signed target for this device is opened", () => {
  assert.deepEqual(openTarget(envelope, key, "device-1"), document);
});

test("one good signature among several is enough", () => {
  const signatures = [{ keyid: "other", sig: "AAAA" }, ...envelope.signatures];
  assert.equal(openTarget({ ...envelope, signatures }, key, "device-1").version, 7);
});

const wrongHash = {
  ...document,
  apps: { shop: { ...fakeTarget(release, { A: "1" }), variablesHash: sha256("other") } },
};
const refused: readonly [string, Envelope, string][] = [
  ["another payload type", { ...envelope, payloadType: "application/json" }, "target-type"],
  [
    "a changed payload",
    { ...envelope, payload: Buffer.from(JSON.stringify(document)).toString("base64").replace("A", "B") },
    "target-signature",
  ],
  ["another key", createFakeSigner().sign(document), "target-signature"],
  ["another device", signer.sign({ ...document, device: "device-2" }), "target-device"],
  ["variables that do not match their hash", signer.sign(wrongHash), "target-invalid"],
  ["a document that is none", signer.sign({ hello: 1 } as unknown as TargetDocument), "target-invalid"],
];
for (const [name, given, code] of refused) {
  test(`a target with ${name} is refused`, () => {
    assert.throws(() => openTarget(given, key, "device-1"), { code });
  });
}

test("a pinned key that is not Ed25519, or no key, is refused", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "der", type: "spki" });
  assert.throws(() => parseTargetKey(rsa.toString("base64")), { code: "target-key-invalid" });
  assert.throws(() => parseTargetKey("AAAA"), { code: "target-key-invalid" });
});
