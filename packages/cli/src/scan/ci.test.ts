import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { scanCommand } from "../verbs/scan.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const github = readFileSync(join(ROOT, "ci/github/action.yml"), "utf8");
const gitlab = readFileSync(join(ROOT, "ci/gitlab/flotilla.gitlab-ci.yml"), "utf8");
const script = github.slice(github.indexOf("run: |") + "run: |".length).replace(/^ {8}/gm, "");

/** The arguments that the action's script gives to the command. */
function calledWith(variables: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-ci-"));
  try {
    const command = join(folder, "flotilla");
    writeFileSync(command, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
    chmodSync(command, 0o755);
    const names = [...github.matchAll(/^ {8}([A-Z_]+): \$\{\{/gm)].map((match) => [match[1] ?? "", ""]);
    const env = { PATH: process.env.PATH, ...Object.fromEntries(names), FLOTILLA_COMMAND: command, ...variables };
    return execFileSync("bash", ["-e", "-c", script], { env, encoding: "utf8" }).trimEnd().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the action calls the command with what was given, as one argument each", () => {
  assert.deepEqual(calledWith({ TARGET: ".", SARIF_FILE: "a.sarif" }), [
    ..."scan --format sarif -o a.sarif --format table -- .".split(" "),
  ]);
  const hostile = '$(touch x) "; id';
  const called = calledWith({
    TARGET: hostile,
    SARIF_FILE: "s",
    POLICY: hostile,
    NEW_SINCE: "main",
    VEX: "v",
    HTML_FILE: "h",
  });
  assert.deepEqual(called.slice(-3), ["table", "--", hostile]);
  assert.equal(called[called.indexOf("--policy") + 1], hostile);
  assert.equal(called[called.indexOf("--new-since") + 1], "main");
});

test("no input of the action stands inside a script", () => assert.doesNotMatch(script, /\$\{\{/));

test("every option and format that the two name is one of the command's", () => {
  const options = new Set(scanCommand().options.flatMap(({ long, short }) => [long, short]));
  const formats = scanCommand().options.find(({ long }) => long === "--format")?.description ?? "";
  for (const text of [script, gitlab]) {
    for (const [option] of text.matchAll(/(?<=[ (])--?[a-z][a-z-]*\b/g))
      if (option !== "-n") assert.ok(options.has(option), option);
    for (const match of text.matchAll(/--format ([a-z-]+)/g))
      assert.ok(formats.split(/[,:] /).includes(match[1] ?? ""), match[0]);
  }
});
