import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatDuration, parseDurationMs, parseSizeBytes } from "./units.ts";

function check<A, R>(name: string, call: (input: A) => R, cases: readonly (readonly [A, R])[]): void {
  test(name, () => {
    for (const [input, expected] of cases) assert.equal(call(input), expected, String(input));
  });
}

check("sizes are binary, as in Docker", parseSizeBytes, [
  ["512", 512],
  ["64k", 65_536],
  ["64KB", 65_536],
  ["1.5g", 1_610_612_736],
  ["2GiB", 2_147_483_648],
  ["10b", 10],
  ["", undefined],
  ["-1", undefined],
  ["1 x", undefined],
]);

check("durations", parseDurationMs, [
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["7d", 604_800_000],
  ["1.5h", 5_400_000],
  ["", undefined],
  ["30", undefined],
  ["s", undefined],
  ["1m 30s", undefined],
]);

check("bytes for people", formatBytes, [
  [0, "0 B"],
  [999, "999 B"],
  [1500, "1.5 kB"],
  [2_000_000_000, "2.0 GB"],
]);

check("durations for people", formatDuration, [
  [850, "850 ms"],
  [4200, "4.2 s"],
  [200_000, "3 min 20 s"],
  [3_660_000, "1 h 1 min"],
]);
