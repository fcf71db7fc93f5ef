import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "@flotilla/base/errors";
import { exitCodeOf } from "./exit-codes.ts";

test("refusals become the documented exit codes", () => {
  const cases: readonly (readonly [unknown, number])[] = [
    [new CodedError("release-blocked", ""), 1],
    [new CodedError("usage", ""), 2],
    [new CodedError("compose-invalid", ""), 2],
    [new CodedError("not-signed-in", ""), 2],
    [new CodedError("not-found", ""), 3],
    [new Error("anything"), 3],
  ];
  for (const [error, code] of cases) assert.equal(exitCodeOf(error), code);
});
