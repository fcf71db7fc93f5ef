import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePlatform, formatPlatform, parsePlatform } from "./platform.ts";

const CHOICES: readonly [wanted: string, offers: readonly string[], chosen: string | undefined][] = [
  ["linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"],
  ["linux/arm64", ["linux/arm64/v8", "linux/amd64"], "linux/arm64/v8"],
  ["linux/aarch64", ["linux/arm64"], "linux/arm64"],
  ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"], "linux/arm/v7"],
  ["linux/arm/v6", ["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"], "linux/arm/v6"],
  ["linux/arm/v6", ["linux/arm/v7"], undefined],
  ["linux/amd64", ["windows/amd64", "linux/386"], undefined],
  ["linux/amd64", ["linux/amd64/v3"], undefined],
];
for (const [wanted, offers, chosen] of CHOICES)
  test(`${wanted} of ${offers.join(", ")}`, () => {
    assert.equal(
      choosePlatform(offers, (offer) => parsePlatform(offer), parsePlatform(wanted)!),
      chosen,
    );
  });

for (const text of ["linux", "linux/", "/amd64", "linux/arm/", "a/b/c/d"])
  test(`not a platform: ${text}`, () => assert.equal(parsePlatform(text), undefined));

test("a platform is written as it is read", () => {
  for (const text of ["linux/amd64", "linux/arm/v7"]) assert.equal(formatPlatform(parsePlatform(text)!), text);
});
