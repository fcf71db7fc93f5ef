import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as pypi from "./version.ts";

const PIECES = ["1", "0", "2", "!", ".", ".", "a", "b", "rc", ".post", ".dev", "-", "+", "local", "1", "v", "007"];

test("orders the examples of PEP 440 with epochs, phases, post-, development releases and local versions", () => {
  checkAscending(pypi, [
    "0.9",
    "1.0.dev1",
    "1.0.dev2",
    "1.0a1.dev1",
    "1.0a1",
    "1.0a2.dev456",
    "1.0a2",
    "1.0a12.dev456",
    "1.0a12",
    "1.0b1.dev456",
    "1.0b2",
    "1.0b2.post345.dev456",
    "1.0b2.post345",
    "1.0rc1.dev456",
    "1.0rc1",
    "1.0",
    "1.0+abc.5",
    "1.0+abc.7",
    "1.0+5",
    "1.0.post456.dev34",
    "1.0.post456",
    "1.0.15",
    "1.1.dev1",
    "1.1",
    "1.10",
    "2013.10",
    "1!0.1",
    "1!1.0",
    "2!0",
  ]);
});

for (const same of [
  ["1.0", "1", "1.0.0", "v1.0", " 1.0 ", "0!1.0", "01.0"],
  ["1.0a1", "1.0.a.1", "1.0-alpha1", "1.0_ALPHA_1", "1.0alpha01"],
  ["1.0rc1", "1.0c1", "1.0pre1", "1.0-preview-1"],
  ["1.0.post1", "1.0-1", "1.0.rev1", "1.0-r1", "1.0post1"],
  ["1.0a0", "1.0a"],
  ["1.0.dev0", "1.0dev", "1.0-DEV"],
  ["1.0+ubuntu.1", "1.0+Ubuntu-1", "1.0+ubuntu_1"],
])
  test(`${same.join(" = ")}`, () => checkEqual(pypi, same));

for (const text of ["", "1.0-", "latest", "1.0.x", "1.0+", "1.0+a+b", "==1.0", "2004d", "1.0.0.0.a.b", "1".repeat(300)])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(pypi.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(pypi, randomVersions(PIECES, 120, 4)));
