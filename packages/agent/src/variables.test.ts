// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillDeep, fillText } from "./variables.ts";

const VALUES = new Map([
  ["SITE", "oslo"],
  ["EMPTY", ""],
]);

const TEXTS: readonly (readonly [text: string, expected: string])[] = [
  ["plain", "plain"],
  ["${SITE}", "oslo"],
  ["$SITE!", "oslo!"],
  ["$$SITE", "$SITE"],
  ["${EMPTY:-bergen}", "bergen"],
  ["${SITE:-bergen}", "oslo"],
  ["${EMPTY:+set}${SITE:+set}", "set"],
];
for (const [text, expected] of TEXTS) test(`fills ${text}`, () => assert.equal(fillText(text, VALUES), expected));

const REFUSED: readonly (readonly [text: string, code: string])[] = [
  ["${NOBODY}", "variable-unknown"],
  ["${EMPTY:?say where}", "variable-missing"],
  ["${SITE", "release-invalid"],
];
for (const [text, code] of REFUSED)
  test(`refuses ${text}`, () => assert.throws(() => fillText(text, VALUES), { code }));

test("fills texts at any depth, and no keys", () => {
  const filled = fillDeep({ "${SITE}": ["${SITE}", { a: 1, b: true }] }, VALUES);
  assert.deepEqual(filled, { "${SITE}": ["oslo", { a: 1, b: true }] });
});
