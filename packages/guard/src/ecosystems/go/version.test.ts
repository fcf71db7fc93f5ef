import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAscending, checkEqual, checkTotalOrder, randomVersions } from "../order.contract.ts";
import * as go from "./version.ts";

const PIECES = ["v", "go", "0", "1", "21", ".", ".", "-", "rc1", "beta2", "+incompatible", "-0.20210101000000-abcdef"];

test("orders module versions, pseudo-versions between the tags they stand between", () => {
  checkAscending(go, [
    "v0.0.0-20180628173108-788fd7840127",
    "v0.0.0-20190101000000-aaaaaaaaaaaa",
    "v0.1.0",
    "v1.2.3-pre",
    "v1.2.3-pre.0.20210101000000-abcdefabcdef",
    "v1.2.3",
    "v1.2.4-0.20210101000000-abcdefabcdef",
    "v1.2.4",
    "v2.0.0+incompatible",
    "v2.0.1+incompatible",
    "v10.0.0",
  ]);
});

test("orders toolchains as releases of the standard library", () => {
  checkAscending(go, ["1.21.0-0", "go1.21beta1", "go1.21rc2", "go1.21", "go1.21.3", "1.21.4", "go1.22rc1", "go1.22.0"]);
  checkEqual(go, ["go1.21", "go1.21.0", "1.21.0", "v1.21.0", "go1.21.0-fips", "go1.21 X:loopvar"]);
});

test("a missing v and +incompatible make no difference", () => {
  checkEqual(go, ["v2.0.0+incompatible", "2.0.0", "v2.0.0"]);
});

for (const text of ["", "(devel)", "devel go1.23-abcdef", "v", "go", "latest", "gox1"])
  test(`${JSON.stringify(text)} is no version`, () => assert.equal(go.isValid(text), false));

test("is a total order over all texts", () => checkTotalOrder(go, randomVersions(PIECES, 120, 3)));
