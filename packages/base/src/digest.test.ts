import assert from "node:assert/strict";
import { test } from "node:test";
import { algorithmOf, asDigest, encodedPart, parseDigest, shortDigest } from "./digest.ts";

const SHA256 = `sha256:${"0a".repeat(32)}`;
const SHA512 = `sha512:${"0b".repeat(64)}`;

test("digests of registered algorithms are taken, everything else is refused", () => {
  for (const good of [SHA256, SHA512]) assert.equal(parseDigest(good), good);
  for (const bad of [
    "",
    "sha256:",
    "sha256:xyz",
    SHA256.toUpperCase(),
    `${SHA256}0`,
    `md5:${"0".repeat(32)}`,
    ` ${SHA256}`,
    `${SHA256}\n`,
  ]) {
    assert.equal(parseDigest(bad), undefined, bad);
    assert.throws(() => asDigest(bad), TypeError);
  }
});

test("the parts of a digest", () => {
  const digest = asDigest(SHA512);
  assert.equal(algorithmOf(digest), "sha512");
  assert.equal(encodedPart(digest), "0b".repeat(64));
  assert.equal(shortDigest(SHA256), "sha256:0a0a0a0a0a0a");
});
