import assert from "node:assert/strict";
import { test } from "node:test";
import { enrolBytes, formatProvisioningToken, parseProvisioningToken } from "./provisioning-token.ts";

const id = `${"0".repeat(31)}f`;
const secret = `${"a".repeat(41)}-_`;
const caFingerprint = "c".repeat(64);

for (const parts of [
  { id, secret },
  { id, secret, caFingerprint },
])
  test(`a token ${"caFingerprint" in parts ? "with" : "without"} a fingerprint is read as it was written`, () => {
    assert.deepEqual(parseProvisioningToken(formatProvisioningToken(parts)), parts);
  });

for (const text of [
  "",
  "flp_",
  `flp_${id}`,
  `flp_${id}.${secret}x`,
  `flp_${id}.${secret}.`,
  `flp_${id}.${secret}.${"C".repeat(64)}`,
  `flp_${id.toUpperCase()}.${secret}`,
  `flt_${id}.${secret}`,
  ` flp_${id}.${secret}`,
  `flp_${id}.${secret}\n`,
])
  test(`${JSON.stringify(text.slice(0, 60))} is no token`, () => {
    assert.equal(parseProvisioningToken(text), undefined);
  });

test("what a device signs names the token and the key", () => {
  assert.equal(new TextDecoder().decode(enrolBytes("t", "k")), "flotilla-enrol-v1\nt\nk");
});
