import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as composer from "./version.ts";

const PIECES = ["0", "1", "2", ".", ".", "-", "beta", "RC", "alpha", "-dev", "p", "x", "v", "dev-main", "+b", "2010"];

test("orders what its own tool orders", () => {
  checkAscending(composer, [
    "0.9.9999",
    "1.0-dev",
    "1.0.0-alpha-dev",
    "1.0.0-alpha",
    "1.0.0-alpha1",
    "1.0.0-alpha2.1",
    "1.0.0-beta1",
    "1.0.0-RC1-dev",
    "1.0.0-RC1",
    "1.0.0-rc.2",
    "1.0.0",
    "1.0.0-p1",
    "1.0.1",
    "1.10",
    "1.x-dev",
    "2.0",
    "2010.01.02",
    "20100102",
  ]);
});

for (const same of [
  ["1.0", "v1", "1.0.0.0", "1.0.0-stable", "1.0+build", "1.0 as 2.0", "1.0@dev"],
  ["1.0.0-beta1", "1.0-b1", "1.0.0beta1", "1.0.0-beta.1"],
  ["1.0.0-p1", "1.0pl1", "1.0-patch1"],
  ["1.x-dev", "v1.X-dev", "1.*-dev"],
])
  test(`${same.join(" = ")}`, () => checkEqual(composer, same));

for (const text of ["", "dev-main", "latest", "^1.0", "1.0.0.0.0", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(composer.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(composer, randomVersions(PIECES, 120, 11)));
