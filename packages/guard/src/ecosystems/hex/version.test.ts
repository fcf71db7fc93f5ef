import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as hex from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "alpha", "rc.1", "+build", "007", "x"];

test("orders what its own tool orders", () => {
  checkAscending(hex, [
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
    "2.0.1-dev",
    "2.0.1",
  ]);
});

for (const same of [["1.0.0", "1.0.0+build.5"]]) test(`${same.join(" = ")}`, () => checkEqual(hex, same));

for (const text of ["", "latest", "~> 1.0", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(hex.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(hex, randomVersions(PIECES, 120, 6)));
