import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as conan from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "alpha", "rc.1", "+build", "007", "x", "1w", "cci", "9"];

test("orders what its own tool orders", () => {
  checkAscending(conan, [
    "0.9",
    "1.0.0-rc1",
    "1.0.0",
    "1.0.1",
    "1.0.2a",
    "1.0.2u",
    "1.1.1",
    "1.1.1a",
    "1.1.1w",
    "1.9",
    "1.10",
    "3.0.0-alpha1",
    "3.0.0",
    "3.0.0+1",
    "20230125.3",
    "cci.20200502",
    "cci.20210118",
  ]);
});

for (const same of [["1.0", "1", "1.0.0", "v1.0"]]) test(`${same.join(" = ")}`, () => checkEqual(conan, same));

for (const text of ["", "[>=1.0 <2]", "a b", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(conan.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(conan, randomVersions(PIECES, 120, 13)));
