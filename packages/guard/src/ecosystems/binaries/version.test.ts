import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as binaries from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "a", "z", "rc", "beta", "pre", "dev", "00"];

test("orders upstream versions: words before a release, OpenSSL's letters after it", () => {
  checkAscending(binaries, [
    "1.0.2",
    "1.0.2a",
    "1.0.2k-fips",
    "1.0.2z",
    "1.0.2za",
    "1.1.0-dev",
    "1.1.0-beta1",
    "1.1.0-pre2",
    "1.1.0",
    "1.1.1",
    "1.1.1w",
    "3.0.0-alpha1",
    "3.0.0-beta1",
    "3.0.0",
    "3.0.9",
    "3.0.15",
    "2022.83",
  ]);
});

test("zeros at the end say nothing", () => checkEqual(binaries, ["1.2", "1.2.0", "1.2.0.0"]));

for (const text of ["", "v1", "1 2", "a", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(binaries.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(binaries, randomVersions(PIECES, 160, 10)));
