import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as cocoapods from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "alpha", "rc.1", "+build", "007", "x"];

test("orders what its own tool orders", () => {
  checkAscending(cocoapods, ["0.9", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.0.10"]);
});

for (const same of [["1.0", "1", "1.0.0"]]) test(`${same.join(" = ")}`, () => checkEqual(cocoapods, same));

for (const text of ["", "latest", "HEAD", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(cocoapods.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(cocoapods, randomVersions(PIECES, 120, 10)));
