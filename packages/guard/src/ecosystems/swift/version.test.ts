import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as swift from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "alpha", "rc.1", "+build", "007", "x", "v"];

test("orders what its own tool orders", () => {
  checkAscending(swift, [
    "0.0.0",
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
    "v2.1.0",
  ]);
});

for (const same of [["1.0.0", "v1.0.0", "1.0"]]) test(`${same.join(" = ")}`, () => checkEqual(swift, same));

for (const text of ["", "main", "swift-5.9-RELEASE", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(swift.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(swift, randomVersions(PIECES, 120, 7)));
