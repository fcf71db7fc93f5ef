// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEnvFile, plainEnvFile } from "./env-file.ts";
import { formatProblem, Problems } from "./problem.ts";

const ENV: Readonly<Record<string, string>> = { OUT: "out", DOLLAR: "a$b" };

const CASES: readonly (readonly [line: string, expected: Readonly<Record<string, string>>])[] = [
  ["A=b", { A: "b" }],
  ["export A=b", { A: "b" }],
  ["  A = b  ", { A: "b" }],
  ["A=", { A: "" }],
  ["A: b", { A: "b" }],
  ["# A=b", {}],
  ["A=b # comment", { A: "b" }],
  ["A=b#c", { A: "b#c" }],
  ["A='b # $OUT \\n'", { A: "b # $$OUT \\n" }],
  ['A="b # c"', { A: "b # c" }],
  ['A="b\\nc\\"d"', { A: 'b\nc"d' }],
  ['A="b\nc"', { A: "b\nc" }],
  ["A=$OUT-${OUT}", { A: "out-out" }],
  ["A=${NONE:-x}", { A: "x" }],
  ['A="${OUT}"', { A: "out" }],
  ["A=$DOLLAR", { A: "a$$b" }],
  ["A=1\nB=${A}2", { A: "1", B: "12" }],
  ["OUT=other\nB=$OUT", { OUT: "other", B: "out" }],
  ["A=$DEV", { A: "${DEV}" }],
  ["OUT", { OUT: "out" }],
  ["NONE", {}],
  ["DEV", { DEV: "${DEV}" }],
  ["\ufeffA=b\r\nB=c\r\n", { A: "b", B: "c" }],
];

for (const [text, expected] of CASES) {
  test(`reads ${JSON.stringify(text)}`, () => {
    const problems = new Problems();
    const resolve = (name: string) => {
      if (name === "DEV") return { kind: "device" } as const;
      const value = ENV[name];
      return value === undefined ? ({ kind: "unset" } as const) : ({ kind: "value", value } as const);
    };
    assert.deepEqual(parseEnvFile({ path: "a.env", text }, resolve, problems), expected);
    assert.equal(problems.count, 0);
  });
}

test("raw values stand as they are", () => {
  const text = "A='b' # $OUT\nB=\"c\"";
  const values = parseEnvFile({ path: "a.env", text, raw: true }, () => ({ kind: "unset" }), new Problems());
  assert.deepEqual(values, { A: "'b' # $$OUT", B: '"c"' });
});

test("the environment of a release is plain text", () => {
  const text = "A=$OUT$$x\nB='$y'";
  assert.deepEqual(plainEnvFile({ path: ".env", text }, ENV, new Problems()), { A: "out$x", B: "$y" });
});

test("what cannot be read is a problem with its line", () => {
  const problems = new Problems();
  plainEnvFile({ path: ".env", text: "A=1\nnot a line\nB='open\nC=$NONE" }, {}, problems);
  assert.deepEqual(problems.sorted([".env"]).map(formatProblem), [
    ".env:2:1: expected NAME=value",
    ".env:3:1: the quote ' is not closed",
  ]);
});
