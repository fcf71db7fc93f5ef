import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { base62Checksum, decodeBase64, entropy, isDerSequence, isPlaceholder } from "./proof.ts";

describe("proofs", () => {
  it("checksum: the example that GitHub's documentation has carried for years", () => {
    assert.equal(base62Checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
  });

  it("entropy, in bits a character", () => {
    assert.equal(entropy("aaaa"), 0);
    assert.equal(entropy("abab"), 1);
    assert.equal(entropy("abcdefgh"), 3);
  });

  it("base64, either alphabet, whole groups only", () => {
    assert.deepEqual(decodeBase64("aGk="), Buffer.from("hi"));
    assert.deepEqual(decodeBase64("_-8"), Buffer.from([0xff, 0xef]));
    assert.equal(decodeBase64("aGk=x"), undefined);
    assert.equal(decodeBase64("aGkxx"), undefined);
  });

  it("DER: one SEQUENCE of exactly its length", () => {
    const cases: readonly [readonly number[], boolean][] = [
      [[0x30, 2, 1, 1], true],
      [[0x30, 0x81, 2, 1, 1], true],
      [[0x30, 0x82, 0, 2, 1, 1], true],
      [[0x30, 3, 1, 1], false],
      [[0x30, 1, 1, 1], false],
      [[0x31, 2, 1, 1], false],
      [[0x30, 0x80, 1, 1], false],
      [[0x30, 0x84, 0, 0, 0, 2, 1, 1], false],
      [[0x30], false],
      [[], false],
    ];
    for (const [bytes, expected] of cases) assert.equal(isDerSequence(Buffer.from(bytes)), expected, String(bytes));
  });

  it("placeholders", () => {
    for (const text of ["my-EXAMPLE-key", "xxxxxxxxxx", "your_token", "changeme123"])
      assert.ok(isPlaceholder(text), text);
    assert.ok(!isPlaceholder("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"));
  });
});
