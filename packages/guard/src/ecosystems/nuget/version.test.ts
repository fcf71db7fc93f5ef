import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as nuget from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "alpha", "rc.1", "+build", "007", "x", "A", "a"];

test("orders what its own tool orders", () => {
  checkAscending(nuget, [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-Beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-RC",
    "1.0.0",
    "1.0.0.1-pre",
    "1.0.0.1",
    "1.0.1",
    "1.10",
    "2.0.0.0-a",
    "13.0.3",
  ]);
});

for (const same of [
  ["1.0", "1.0.0", "1.0.0.0", "1.00", "1.0.0+sha.1", "1"],
  ["1.0.0-RC1", "1.0.0-rc1", "1.0-Rc1"],
])
  test(`${same.join(" = ")}`, () => checkEqual(nuget, same));

for (const text of ["", "[1.0,2.0)", "1.0.0.0.0", "1.*", "latest", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(nuget.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(nuget, randomVersions(PIECES, 120, 8)));
