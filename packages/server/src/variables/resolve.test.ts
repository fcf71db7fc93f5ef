import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveVariables, type ScopedValue } from "./resolve.ts";

const device = { id: "d1", name: "press-7", labels: { site: "oslo", tier: "a" } };
const value = (scope: ScopedValue["scope"], scopeOf: string, text: string, priority = 0): ScopedValue => ({
  name: "URL",
  scope,
  scopeOf,
  priority,
  value: text,
});
const project = value("project", "", "project");
const oslo = value("group", "site=oslo", "oslo");
const tier = value("group", "tier=a", "tier");
const bergen = value("group", "site=bergen", "bergen", 100);
const own = value("device", "d1", "own");
const other = value("device", "d2", "other");

const cases: readonly [what: string, values: readonly ScopedValue[], expected: string | undefined][] = [
  ["nothing", [], undefined],
  ["project", [project], "project"],
  ["a group over the project", [oslo, project], "oslo"],
  ["the last selector of equal priority", [tier, oslo, project], "tier"],
  ["the higher priority", [tier, { ...oslo, priority: 1 }], "oslo"],
  ["no group that it is not in", [bergen, project], "project"],
  ["its own over all", [own, { ...oslo, priority: 1000 }, project], "own"],
  ["no other device's", [other], undefined],
];
for (const [what, values, expected] of cases)
  test(`a device gets ${what}`, () => {
    const { values: result, missing } = resolveVariables({ URL: {} }, values, device);
    assert.equal(result.URL, expected);
    assert.deepEqual(missing, expected === undefined ? ["URL"] : []);
  });

test("only what the release asks for is handed out, with its defaults", () => {
  const wanted = { B: { default: "b" }, A: {}, URL: { default: "default" } };
  assert.deepEqual(resolveVariables(wanted, [project, { ...project, name: "PASSWORD" }], device), {
    values: { B: "b", URL: "project" },
    missing: ["A"],
  });
});
