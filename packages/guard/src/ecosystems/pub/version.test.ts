import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as pub from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "alpha", "rc.1", "+build", "007", "x"];

test("orders what its own tool orders", () => {
  checkAscending(pub, [
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
    "2.0.0+1",
    "2.0.0+2",
    "2.0.0+10",
    "2.0.0+build",
    "2.0.0+build.1",
    "2.0.1",
  ]);
});

for (const same of [["1.0.0", "1.0"]]) test(`${same.join(" = ")}`, () => checkEqual(pub, same));

for (const text of ["", "any", "^1.0.0", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(pub.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(pub, randomVersions(PIECES, 120, 12)));
