import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createSealer } from "./seal.ts";

const key = randomBytes(32);
const sealer = createSealer(key);
const sealed = sealer.seal("hunter2", "a/project//DB_PASSWORD");

test("what was sealed opens again, in its place only", () => {
  assert.equal(sealer.open(sealed, "a/project//DB_PASSWORD"), "hunter2");
  assert.throws(() => sealer.open(sealed, "b/project//DB_PASSWORD"));
});

test("another key does not open it", () => {
  assert.throws(() => createSealer(randomBytes(32)).open(sealed, "a/project//DB_PASSWORD"));
});

test("equal values are sealed differently and never show", () => {
  assert.notEqual(sealer.seal("hunter2", "a/project//DB_PASSWORD"), sealed);
  assert.ok(!sealed.includes("hunter2") && !Buffer.from(sealed, "base64url").includes("hunter2"));
});

for (const place of [4, Math.floor(sealed.length / 2), sealed.length - 2]) {
  test(`a character altered at ${place} is noticed`, () => {
    const altered = sealed.slice(0, place) + (sealed[place] === "A" ? "B" : "A") + sealed.slice(place + 1);
    assert.throws(() => sealer.open(altered, "a/project//DB_PASSWORD"));
  });
}

for (const text of ["", "v1", "v1..", "v2.a.b", sealed.slice(0, 40)])
  test(`refuses ${JSON.stringify(text.slice(0, 8))}`, () => {
    assert.throws(() => sealer.open(text, "a/project//DB_PASSWORD"));
  });
