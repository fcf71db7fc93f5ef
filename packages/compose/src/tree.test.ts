import assert from "node:assert/strict";
import { test } from "node:test";
import { Problems } from "./problem.ts";
import { MAX_COMPOSE_BYTES, type Node, parseTree } from "./tree.ts";

function plain(node: Node | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.node)]));
}

function read(text: string) {
  const problems = new Problems();
  const tree = parseTree({ path: "c.yaml", text }, problems);
  return { value: plain(tree), problems: problems.sorted(["c.yaml"]), tree };
}

const VALUES: readonly (readonly [text: string, expected: unknown])[] = [
  ["a: yes\nb: on\nc: no", { a: "yes", b: "on", c: "no" }],
  ["a: 1\nb: true\nc:\nd: ~", { a: 1, b: true, c: null, d: null }],
  ["a: 8080:80", { a: "8080:80" }],
  ["x: &x { a: 1 }\ny: *x", { x: { a: 1 }, y: { a: 1 } }],
  ["x: &x { a: 1, b: 2 }\ny: { <<: *x, b: 3 }", { x: { a: 1, b: 2 }, y: { b: 3, a: 1 } }],
  ["x: &x { a: 1 }\nz: &z { a: 2, c: 3 }\ny: { <<: [*x, *z] }", { x: { a: 1 }, z: { a: 2, c: 3 }, y: { a: 1, c: 3 } }],
  ["80: a", { "80": "a" }],
  ["__proto__: { a: 1 }", { ["__proto__"]: { a: 1 } }],
];
for (const [text, expected] of VALUES)
  test(`reads ${JSON.stringify(text)}`, () => {
    assert.deepEqual(read(text).problems, []);
    assert.equal(JSON.stringify(read(text).value), JSON.stringify(expected));
  });

test("places are lines, columns and paths, also through aliases", () => {
  const { tree } = read("x: &x\n  deep: [1, 2]\ny: *x\n");
  const y = tree?.entries.get("y")?.node;
  assert.ok(y?.kind === "map");
  const deep = y.entries.get("deep")?.node;
  assert.ok(deep?.kind === "list");
  assert.deepEqual(deep.items[1]?.place, { file: "c.yaml", line: 2, column: 13, field: "y.deep[1]" });
});

const levels = "abcdefgh"
  .split("")
  .map((name, at, all) =>
    at === 0 ? `a: &a [${"x,".repeat(10)}]` : `${name}: &${name} [${`*${all[at - 1]},`.repeat(10)}]`,
  );
const HOSTILE: readonly (readonly [what: string, text: string, code: string])[] = [
  ["an alias bomb", levels.join("\n"), "too-large"],
  ["an alias of itself", "a: &a [*a]", "too-large"],
  ["many aliases", `a: &a 1\nb: [${"*a,".repeat(1001)}]`, "too-large"],
  ["deep nesting", `a: ${"[".repeat(100)}${"]".repeat(100)}`, "too-large"],
  ["nesting that exhausts the stack", `${"[".repeat(50_000)}${"]".repeat(50_000)}`, "too-large"],
  ["a huge file", `#${"x".repeat(MAX_COMPOSE_BYTES)}`, "too-large"],
  ["a duplicate key", "a: 1\na: 2", "yaml"],
  ["a key that is a list", "? [a]\n: 1", "yaml"],
  ["an unknown alias", "a: *nowhere", "yaml"],
  ["a merge of text", "a: { <<: text }", "yaml"],
  ["a list", "- a", "bad-value"],
  ["nothing", "", "bad-value"],
  ["two documents", "a: 1\n---\nb: 2", "yaml"],
];
for (const [what, text, code] of HOSTILE)
  test(`${what} is a problem`, () => {
    const { problems } = read(text);
    assert.ok(problems.length > 0 && problems.every((problem) => problem.code === code), JSON.stringify(problems[0]));
  });
