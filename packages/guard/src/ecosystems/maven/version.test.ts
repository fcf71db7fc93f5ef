import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as maven from "./version.ts";

const PIECES = ["0", "1", "10", ".", ".", "-", "a", "alpha", "final", "sp", "rc", "foo", "snapshot", "00"];

test("orders as ComparableVersion does: qualifiers, hyphens, numbers", () => {
  checkAscending(maven, [
    "1-alpha2snapshot",
    "1-alpha2",
    "1-alpha-123",
    "1-beta-2",
    "1-beta123",
    "1-m2",
    "1-m11",
    "1-rc",
    "1-cr2",
    "1-rc123",
    "1-SNAPSHOT",
    "1",
    "1-sp",
    "1-sp2",
    "1-sp123",
    "1-abc",
    "1-def",
    "1-pom-1",
    "1-1-snapshot",
    "1-1",
    "1-2",
    "1-123",
    "1.0.1",
    "1.1",
    "1.2",
    "1.10",
    "2.0.0.RC1",
    "2.0.0.RELEASE",
    "31.1-android",
    "31.1-jre",
  ]);
});

for (const same of [
  ["1", "1.0", "1.0.0", "1-0", "1.final", "1-ga", "1.0.RELEASE", "01", "1.0-0"],
  ["1a1", "1-alpha-1", "1.0-alpha1", "1.0.ALPHA-1"],
  ["1-rc3", "1-cr3", "1.0.0-RC-3"],
])
  test(`${same.join(" = ")}`, () => checkEqual(maven, same));

for (const text of ["", "1 2", `${"$"}{project.version}`, "[1.0,2.0)", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(maven.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(maven, randomVersions(PIECES, 90, 9)));
