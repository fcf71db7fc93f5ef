import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJsoncObject } from "./jsonc.ts";

for (const [text, expected] of [
  ['{"a": [1, 2,], }', { a: [1, 2] }],
  ['{ // "x": 1,\n "a": "//,]", /* , } */ "b": {},\n}', { a: "//,]", b: {} }],
  ['{"a": "\\",}",}', { a: '",}' }],
] as const)
  test(text, () => assert.deepEqual(parseJsoncObject(Buffer.from(text)), { kind: "object", value: expected }));

for (const text of ["{,", '{"a" "b"}', "/*", "{/*}", "[1,]", '{"a": [,]}'.replace("[", "[1,"), '"'])
  test(`${text} is refused`, () => assert.equal(parseJsoncObject(Buffer.from(text)).kind, "bad"));
