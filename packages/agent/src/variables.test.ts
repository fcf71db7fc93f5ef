// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeApp, fakeService } from "./release.fake.ts";
import { fillDeep, fillText, resolveVariables } from "./variables.ts";

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

test("a given value wins over the default; what is not declared is left out", () => {
  const shop = fakeApp({ web: fakeService({ image: "web:1" }) }, { variables: { NAME: {}, PORT: { default: "80" } } });
  assert.deepEqual(
    [...resolveVariables(shop, { NAME: "hei", PORT: "81", OTHER: "x" })],
    [
      ["NAME", "hei"],
      ["PORT", "81"],
    ],
  );
  assert.equal(resolveVariables(shop, { NAME: "" }).get("PORT"), "80");
  assert.throws(() => resolveVariables(shop, {}), { code: "variable-missing", message: /NAME/ });
});

test("a name that every object has is no value", () => {
  const shop = fakeApp({}, { variables: { toString: {} } });
  assert.throws(() => resolveVariables(shop, {}), { code: "variable-missing" });
});
