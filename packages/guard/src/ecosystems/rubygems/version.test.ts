import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as rubygems from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "alpha", "rc.1", "+build", "007", "x", "a", "pre"];

test("orders what its own tool orders", () => {
  checkAscending(rubygems, [
    "0.9",
    "1.0.0.a",
    "1.0.0.a.2",
    "1.0.0.b1",
    "1.0.0.pre",
    "1.0.0-1",
    "1.0.0.rc1",
    "1.0.0.rc2",
    "1.0.0",
    "1.0.1",
    "1.0.10",
    "1.8.2.a",
    "1.8.2",
    "1.8.2.1",
    "5.10",
  ]);
});

for (const same of [
  ["1.0", "1", "1.0.0", "01.0"],
  ["1.0.a", "1.a", "1.0.0.a", "1.a.0"],
  ["1.0.0-1", "1.0.0.pre.1"],
])
  test(`${same.join(" = ")}`, () => checkEqual(rubygems, same));

for (const text of ["", "latest", "1..0", "1.0+b", "~> 1.0", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(rubygems.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(rubygems, randomVersions(PIECES, 120, 9)));
