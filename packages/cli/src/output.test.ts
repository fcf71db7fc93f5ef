import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, formatTable } from "./output.ts";

test("columns are aligned by what is seen, colours not counted", () => {
  const rows = [
    ["a", "\u001b[32mrunning\u001b[39m", 3],
    ["longer", undefined, 12],
  ];
  assert.deepEqual(formatTable(["NAME", "STATE", "N"], rows), [
    "NAME    STATE    N",
    "a       \u001b[32mrunning\u001b[39m  3",
    "longer  -        12",
  ]);
});

test("what a device calls itself cannot steer the terminal", () => {
  const lines = formatTable(["NAME"], [["evil\u001b]0;title\u0007\u001b[2J\r\nnext\u009b31m"]]);
  assert.equal(lines[1], "evil?]0;title??[2J??next?31m");
});

test("how long ago", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, "never"],
    ["2026-01-01T23:59:30Z", "30 s ago"],
    ["2026-01-01T23:00:01Z", "59 min ago"],
    ["2026-01-01T00:00:01Z", "23 h ago"],
    ["2025-12-30T00:00:00Z", "3 d ago"],
    ["2026-01-03T00:00:00Z", "0 s ago"],
  ];
  for (const [instant, expected] of cases) assert.equal(ago(instant, now), expected);
});
