import assert from "node:assert/strict";
import { test } from "node:test";
import { isCoded } from "@flotilla/base/errors";
import { formatSelector, matches, parseSelector } from "./selector.ts";

const press = { id: "0199", name: "press-7", labels: { site: "oslo", tier: "a", empty: "", constructor2: "x" } };

const cases: readonly [text: string, matches: boolean, canonical?: string][] = [
  ["", true, ""],
  ["   ", true, ""],
  ["site=oslo", true],
  ["site==oslo", true, "site=oslo"],
  ["site = oslo", true, "site=oslo"],
  ["site=bergen", false],
  ["site=oslo, !canary, tier in (a,b), name=press-7", true, "!canary,name=press-7,site=oslo,tier in (a,b)"],
  ["tier in ( b , c )", false, "tier in (b,c)"],
  ["tier notin (b,c)", true],
  ["missing notin (b)", true, "missing!=b"],
  ["missing!=b", true],
  ["tier!=a", false],
  ["!site", false],
  ["site", true],
  ["missing", false],
  ["id=0199", true],
  ["empty=", true],
  ["site=", false],
  ["constructor", false],
  ["toString", false],
  ["in=oslo", false],
  ["inner", false],
];

for (const [text, expected, canonical] of cases) {
  test(`selector ${JSON.stringify(text)} ${expected ? "matches" : "does not match"}`, () => {
    const selector = parseSelector(text);
    assert.equal(matches(selector, press), expected);
    if (canonical !== undefined) assert.equal(formatSelector(selector), canonical);
    assert.equal(formatSelector(parseSelector(formatSelector(selector))), formatSelector(selector));
  });
}

test("selectors that say the same in other order have one text", () => {
  assert.equal(
    formatSelector(parseSelector("b in (y,x), a=1, a=1")),
    formatSelector(parseSelector("a=1,b in (x, y, x)")),
  );
});

const refused: readonly [text: string, column: number][] = [
  ["site=oslo,", 11],
  [",site", 1],
  ["site=oslo tier=a", 11],
  ["tier in (a", 11],
  ["tier in ()", 10],
  ["!!a", 2],
  ["a=b=c", 4],
  ["site=oslo; drop", 10],
  ["x".repeat(1001), 1000],
  [Array.from({ length: 51 }, (_, index) => `k${index}`).join(","), 191],
];

for (const [text, column] of refused) {
  test(`selector ${JSON.stringify(text.slice(0, 20))} is refused at column ${column}`, () => {
    assert.throws(
      () => parseSelector(text),
      (error) => isCoded(error, "selector-invalid") && error.details.column === column,
    );
  });
}
