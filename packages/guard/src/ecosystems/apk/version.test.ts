import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as apk from "./version.ts";

const PIECES = ["0", "1", "05", "10", ".", ".", "a", "_alpha", "_rc", "_p", "_git", "-r0", "-r1", "~ab"];

test("orders as apk does: suffixes before and after a release, letters, revisions", () => {
  checkAscending(apk, [
    "1.0_alpha",
    "1.0_alpha1",
    "1.0_alpha2-r0",
    "1.0_beta1",
    "1.0_pre",
    "1.0_rc1",
    "1.0_rc1_p1",
    "1.0",
    "1.0-r0",
    "1.0-r1",
    "1.0-r10",
    "1.0~abc",
    "1.0_git20240101",
    "1.0_p1",
    "1.0_p1-r1",
    "1.0_p2",
    "1.0a",
    "1.0b-r0",
    "1.0.1",
    "1.05",
    "1.1",
    "1.2",
    "1.10",
    "2",
  ]);
});

test("a first number has no leading zeros that count", () => checkEqual(apk, ["1.2-r1", "01.2-r01"]));

for (const text of ["", "a", "1.", ".1", "1_foo", "1.0ab", "1-1", "1 2", "1.0-r", `1.${"0".repeat(300)}`])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(apk.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(apk, randomVersions(PIECES, 160, 7)));
