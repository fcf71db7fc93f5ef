import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCompose } from "../parse.ts";
import { formatProblem } from "../problem.ts";

type Texts = Readonly<Record<string, string>>;

async function readWeb(fields: string, files: Texts = {}) {
  const text = `name: shop\nservices:\n  web:\n    image: team/web:1\n    ${fields}\n`;
  const read = async (path: string) => (files[path] === undefined ? undefined : new TextEncoder().encode(files[path]));
  const result = await parseCompose({ files: [{ path: "compose.yaml", text }], env: { SITE: "oslo" }, read });
  return { ...result, web: result.app?.services["web"] };
}

test("env files are read in order, and the environment over them", async () => {
  const files = { "a.env": "A=1\nB=1\nS=$SITE", "b.env": "B='two $X'", "raw.env": 'R=$SITE "x"' };
  const { web } = await readWeb(
    "<<: { env_file: [a.env, b.env, { path: none.env, required: false }, { path: raw.env, format: raw }], environment: { A: own } }",
    files,
  );
  assert.deepEqual(web?.environment, { A: "own", B: "two $$X", S: "oslo", R: '$$SITE "x"' });
});

test("label files are read, and the labels over them", async () => {
  const files = { "labels.env": "team=shop\ntier=front" };
  const { web } = await readWeb("<<: { label_file: labels.env, labels: { tier: back } }", files);
  assert.deepEqual(web?.labels, { team: "shop", tier: "back" });
});

test("labels of the agent are refused in a label file too", async () => {
  const { problems } = await readWeb("label_file: labels.env", { "labels.env": "io.flotilla.app=other" });
  assert.match(problems.map(formatProblem).join(), /io\.flotilla\.app is the agent's own/);
});

test("the content of a seccomp profile goes with the release", async () => {
  const files = { "profile.json": '{\n  "defaultAction": "SCMP_ACT_ERRNO",\n  "note": "$5"\n}' };
  const { web } = await readWeb("security_opt: ['seccomp:profile.json', 'label=disable']", files);
  assert.deepEqual(web?.securityOpt, ['seccomp={"defaultAction":"SCMP_ACT_ERRNO","note":"$$5"}', "label=disable"]);
});

const REFUSED: readonly (readonly [what: string, fields: string, files: Texts, told: RegExp])[] = [
  ["a profile that is no JSON", "security_opt: ['seccomp=p']", { p: "x" }, /p is no seccomp profile/],
  [
    "a profile that is too large",
    "security_opt: ['seccomp=p']",
    { p: JSON.stringify("x".repeat(40_000)) },
    /the bound is/,
  ],
  ["an env file that is not there", "env_file: none.env", {}, /none\.env cannot be read/],
  ["an env file of another format", "env_file: [{ path: a, format: json }]", { a: "" }, /expected raw/],
];
for (const [what, fields, files, told] of REFUSED)
  test(`refuses ${what}`, async () => {
    const { app, problems } = await readWeb(fields, files);
    assert.equal(app, undefined);
    assert.match(problems.map(formatProblem).join("\n"), told);
  });

test("build beside image is left out, and said so", async () => {
  const { app, warnings } = await readWeb("build: { context: . }");
  assert.ok(app !== undefined);
  assert.deepEqual(
    warnings.map(({ code, field }) => [code, field]),
    [["left-out", "services.web.build"]],
  );
});
