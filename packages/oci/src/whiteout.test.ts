import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWhiteout } from "./whiteout.ts";

const CASES: readonly [path: string, expected: ReturnType<typeof parseWhiteout>][] = [
  ["a/.wh.b", { kind: "removed", path: "a/b" }],
  [".wh.b", { kind: "removed", path: "b" }],
  ["a/.wh..wh..opq", { kind: "opaque", path: "a" }],
  [".wh..wh..opq", { kind: "opaque", path: "" }],
  ["a/.why", undefined],
  [".wh.a/b", undefined],
  ["a/x.wh.b", undefined],
];
for (const [path, expected] of CASES) test(`whiteout ${path}`, () => assert.deepEqual(parseWhiteout(path), expected));
