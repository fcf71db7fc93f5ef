import assert from "node:assert/strict";
import { test } from "node:test";
import { formatReference, manifestNameOf, parseReference, type Reference } from "./reference.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;

const GOOD: readonly [text: string, reference: Partial<Record<keyof Reference, string>>][] = [
  ["web", { repository: "web" }],
  ["default/web:v1", { repository: "default/web", tag: "v1" }],
  ["localhost/web", { registry: "localhost", repository: "web" }],
  ["localhost:5000/a/b:1.0", { registry: "localhost:5000", repository: "a/b", tag: "1.0" }],
  ["registry.example.com/a/b", { registry: "registry.example.com", repository: "a/b" }],
  ["[::1]:80/a", { registry: "[::1]:80", repository: "a" }],
  [`a/b@${DIGEST}`, { repository: "a/b", digest: DIGEST }],
  [`h.example/a__b/c-d:t@${DIGEST}`, { registry: "h.example", repository: "a__b/c-d", tag: "t", digest: DIGEST }],
];
for (const [text, reference] of GOOD)
  test(`reference ${text}`, () => {
    const parsed = parseReference(text);
    assert.deepEqual({ ...parsed }, reference);
    assert.equal(formatReference(parsed), text);
  });

const BAD = [
  "",
  "Web",
  "a//b",
  "a/b:",
  "a:b:c",
  "a@sha256:12",
  "-a",
  "a/b/",
  "exa mple/a",
  `${"a/".repeat(400)}a`,
  "a..b",
];
for (const text of BAD)
  test(`not a reference: ${text.slice(0, 20)}`, () => {
    assert.throws(() => parseReference(text), { code: "reference-invalid" });
  });

test("what to ask for: digest before tag before latest", () => {
  assert.equal(manifestNameOf(parseReference(`a:t@${DIGEST}`)), DIGEST);
  assert.equal(manifestNameOf(parseReference("a:t")), "t");
  assert.equal(manifestNameOf(parseReference("a")), "latest");
});
