import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as deb from "./version.ts";

const PIECES = ["0", "1", "12", "00", ".", "-", "~", "+", "a", "b", "rc", "deb12u1", ":", "ubuntu", "Z"];

test("orders as deb-version(7) has it: tildes below the end, letters below signs, numbers by value", () => {
  checkAscending(deb, [
    "0~~",
    "0~~a",
    "0~",
    "0",
    "1.0~beta1~svn1245",
    "1.0~beta1",
    "1.0-1~deb12u1",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1.1",
    "1.0-2",
    "1.0-10",
    "1.0a-1",
    "1.0+dfsg-1",
    "1.0.1-1",
    "3.0.11-1~deb12u2",
    "3.0.15-1~deb12u1",
    "1:0.1-1",
    "2:0",
  ]);
});

for (const same of [
  ["1.0", "0:1.0", "1.0-0", "1.00", "01.0"],
  ["1:2.3-4", "01:2.3-04"],
])
  test(`${same.join(" = ")}`, () => checkEqual(deb, same));

for (const text of ["", "a:1", "1 2", "1:", "x:1.0", "1.0_ü", "-1", "1.0-"])
  test(`${JSON.stringify(text)} is no version`, () => assert.equal(deb.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(deb, randomVersions(PIECES, 120, 5)));

test("agrees with dpkg, where dpkg is installed", (context) => {
  if (spawnSync("dpkg", ["--version"]).status !== 0) return context.skip("dpkg is not installed");
  const versions = randomVersions(PIECES, 400, 6).filter((text) => /^(?:\d+:)?\d/.test(text) && deb.isValid(text));
  for (const [index, a] of versions.slice(1, 90).entries()) {
    const b = versions[index] ?? "";
    const operator = deb.compare(a, b) < 0 ? "lt" : deb.compare(a, b) > 0 ? "gt" : "eq";
    const run = spawnSync("dpkg", ["--compare-versions", a, operator, b], { encoding: "utf8" });
    if (run.stderr.includes("error")) continue;
    assert.equal(run.status, 0, `${a} ${operator} ${b} ${run.stderr}`);
  }
});
