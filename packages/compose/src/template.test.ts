// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillTemplate, parseTemplate, type Resolution, renderTemplate } from "./template.ts";

const VALUES: Readonly<Record<string, string>> = { A: "a", EMPTY: "", DOLLAR: "1$2", BRACE: "x}y" };
const DEVICE = new Set(["DEV", "SITE"]);

function fill(text: string): string {
  const parsed = parseTemplate(text);
  if (parsed.kind === "failed") return `!${parsed.failure.kind}`;
  const resolve = (name: string): Resolution => {
    if (DEVICE.has(name)) return { kind: "device" };
    const value = VALUES[name];
    return value === undefined ? { kind: "unset" } : { kind: "value", value };
  };
  const filled = fillTemplate(parsed.value, resolve);
  if (filled.kind === "ok") return filled.value;
  const failure = filled.failure;
  return failure.kind === "required" ? `!required ${failure.name}: ${failure.message}` : `!${failure.kind}`;
}

// The column of results is what `docker compose config` prints, dollars escaped.
const cases: readonly (readonly [string, string])[] = [
  ["plain", "plain"],
  ["$A", "a"],
  ["${A}", "a"],
  ["x${A}y$A", "xaya"],
  ["$A-b", "a-b"],
  ["$$A", "$$A"],
  ["$$$A", "$$a"],
  ["${DOLLAR}", "1$$2"],
  ["${A:-b}", "a"],
  ["${EMPTY:-b}", "b"],
  ["${EMPTY-b}", ""],
  ["${NONE:-b}", "b"],
  ["${NONE-b}", "b"],
  ["${NONE:-}", ""],
  ["${NONE:-a:b-c}", "a:b-c"],
  ["${A:+b}", "b"],
  ["${EMPTY:+b}", ""],
  ["${EMPTY+b}", "b"],
  ["${NONE+b}", ""],
  ["${A:?e}", "a"],
  ["${EMPTY?e}", ""],
  ["${EMPTY:?say ${A}}", "!required EMPTY: say a"],
  ["${NONE?}", "!required NONE: "],
  ["${NONE:-${EMPTY:-${A}}}", "a"],
  ["${A:-${NONE}}", "a"],
  ["${NONE:-${NONE}}", "!unset"],
  ['${NONE:-{"a":1}}', '{"a":1}'],
  ["${NONE}", "!unset"],
  ["$NONE", "!unset"],
  ["$1", "!syntax"],
  ["100$", "!syntax"],
  ["${}", "!syntax"],
  ["${A", "!syntax"],
  ["${A!b}", "!syntax"],
  ["${NONE:-${A}", "!syntax"],
  ["${-A}", "!syntax"],
  ["${A:-".repeat(25) + "}".repeat(25), "!syntax"],
  ["$DEV", "${DEV}"],
  ["${DEV}-${A}", "${DEV}-a"],
  ["${DEV:-${A}}", "${DEV:-a}"],
  ["${DEV:-${SITE:-$$}}", "${DEV:-${SITE:-$$}}"],
  ["${DEV:-${BRACE}}", "!syntax"],
  ["${NONE:-$DEV}", "${DEV}"],
];

for (const [text, expected] of cases) {
  test(`fills ${text.slice(0, 60)}`, () => assert.equal(fill(text), expected));
}

test("what was filled in two stages reads as if it had been filled at once", () => {
  for (const text of ["$$ $A ${DEV}", "${DEV:-${A}$$}", "${DEV:+[${A}]}", "${EMPTY:-${DEV}}", "${DOLLAR}$DEV"]) {
    for (const dev of ["", "value", "$"]) {
      const all = (name: string) => (name === "DEV" ? dev : VALUES[name]);
      assert.equal(render(fill(text), all), render(text, all), text);
    }
  }
});

test("a result cannot grow without bound", () => {
  const parsed = parseTemplate("$A".repeat(1000));
  assert.equal(parsed.kind, "ok");
  if (parsed.kind !== "ok") return;
  const result = renderTemplate(parsed.value, () => "x".repeat(10_000));
  assert.deepEqual(result, { kind: "failed", failure: { kind: "too-long" } });
});

function render(text: string, lookup: (name: string) => string | undefined): string {
  const parsed = parseTemplate(text);
  assert.equal(parsed.kind, "ok", text);
  if (parsed.kind !== "ok") return "";
  const result = renderTemplate(parsed.value, lookup);
  return result.kind === "ok" ? result.value : `!${result.failure.kind}`;
}
