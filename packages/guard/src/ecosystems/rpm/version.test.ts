import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as rpm from "./version.ts";

const PIECES = ["0", "1", "05", "10", ".", "~", "^", "a", "rc", "-", ":", "_", "el9", "git"];

test("orders as rpmvercmp does", () => {
  checkAscending(rpm, [
    "1.0~~",
    "1.0~rc1",
    "1.0~rc1^git1",
    "1.0~rc2",
    "1.0",
    "1.0-1.el8",
    "1.0-1.el8_6",
    "1.0-1.el8_10",
    "1.0-1.el9",
    "1.0-2",
    "1.0-10",
    "1.0^git1-1",
    "1.0^git2-1",
    "1.0a-1",
    "1.0.1-1",
    "1.1-1",
    "1.10-1",
    "2.0a",
    "2.0.1a",
    "1:0.1-1",
    "2:0-1",
  ]);
});

for (const same of [
  ["1.0-1", "0:1.0-1", "1_0-1", "1..0-1", "(none):1.0-1"],
  ["fc4", "fc.4", "fc04"],
])
  test(`${same.join(" = ")}`, () => checkEqual(rpm, same));

for (const text of ["", "a:1", "1-2-3", "1:", "-1", "1 2-1", "1.0-1.ü"])
  test(`${JSON.stringify(text)} is no version`, () => assert.equal(rpm.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(rpm, randomVersions(PIECES, 160, 8)));
