import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseCompose } from "./parse.ts";
import { formatProblem } from "./problem.ts";

// Every file of `fixtures/refused` says what is wrong with it: `#! code field: words` at the end of the line where the problem stands.
const FOLDER = new URL("../fixtures/refused/", import.meta.url);

interface Expected {
  readonly line: number;
  readonly code: string;
  readonly field: string;
  readonly words: string;
}

function expectations(text: string): readonly Expected[] {
  return text.split("\n").flatMap((line, index) => {
    const match = /#! (\S+) (.*?): (.*)$/.exec(line) ?? /#! (\S+) (): (.*)$/.exec(line);
    if (match === null) return [];
    const [, code = "", field = "", words = ""] = match;
    return [{ line: index + 1, code, field, words }];
  });
}

for (const name of readdirSync(FOLDER)) {
  test(`refuses ${name}, everything at once`, async () => {
    const text = readFileSync(new URL(name, FOLDER), "utf8");
    const env = { EMPTY: "", DB_PASSWORD: "hunter2" };
    const result = await parseCompose({ files: [{ path: name, text }], env, read: async () => undefined });
    assert.equal(result.app, undefined);
    const left = [...result.problems];
    for (const { line, code, field, words } of expectations(text)) {
      const at = left.findIndex(
        (problem) =>
          problem.line === line && problem.code === code && problem.field === field && problem.message.includes(words),
      );
      assert.notEqual(at, -1, `${name}:${line}: no ${code} of ${field} saying “${words}” among\n${shown(left)}`);
      left.splice(at, 1);
    }
    assert.equal(shown(left), "", "and nothing else");
    for (const problem of result.problems) assert.ok(problem.column >= 1 && problem.file === name);
  });
}

function shown(problems: Awaited<ReturnType<typeof parseCompose>>["problems"]): string {
  return problems.map((problem) => `${formatProblem(problem)} [${problem.code}]`).join("\n");
}
