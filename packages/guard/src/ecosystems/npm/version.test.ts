import assert from "node:assert/strict";
import { test } from "node:test";
import semver from "semver";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as npm from "./version.ts";

const PIECES = [
  "0",
  "1",
  "2",
  "10",
  "01",
  ".",
  ".",
  ".",
  "-",
  "alpha",
  "beta",
  "rc",
  "+",
  "v",
  "x",
  "9007199254740993",
];

test("orders releases and pre-releases as SemVer 2 §11 has it", () => {
  checkAscending(npm, [
    "0.0.0-0",
    "0.0.1",
    "0.9.9",
    "1.0.0-1",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
  ]);
});

test("reads npm's loose forms, and leaves build metadata out of the order", () => {
  checkEqual(npm, ["1.2.3", "v1.2.3", "=1.2.3", " 1.2.3 ", "01.02.03", "1.2.3+build.7"]);
  checkEqual(npm, ["1.2.3-beta", "1.2.3beta"]);
  checkEqual(npm, ["1.2.0", "1.2", "1.2.0+x"]);
});

for (const text of [
  "",
  "latest",
  "1.2.x",
  "1.2.3.4",
  "git+ssh://host/x",
  "file:../a",
  "1..2",
  "^1.0.0",
  "9".repeat(300),
])
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, () => assert.equal(npm.isValid(text), false));

test("agrees with the semver library wherever that can read both", () => {
  const suffixes = randomVersions(PIECES, 400, 1);
  const versions = ["1.2.3", "v1.2.3", "=1.2.03", "1.2.4"]
    .flatMap((core) => suffixes.map((suffix) => `${core}-${suffix}`))
    .filter((text) => semver.valid(text, { loose: true }) !== null && !/\d{16}/.test(text))
    .slice(0, 300);
  assert.ok(versions.length > 40, `${versions.length} samples`);
  for (const a of versions)
    for (const b of versions) {
      const expected = semver.compare(a, b, { loose: true });
      assert.equal(Math.sign(npm.compare(a, b)), expected, `${a} | ${b}`);
    }
});

test("numbers past a double's precision are exact, where the library rounds them", () => {
  checkAscending(npm, ["1.2.3-90071992547409930", "1.2.3-90071992547409932"]);
});

test("is a total order over all texts", () => checkTotalOrder(npm, randomVersions(PIECES, 120, 2)));
