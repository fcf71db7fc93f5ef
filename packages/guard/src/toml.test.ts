import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTomlObject, tablesOf } from "./toml.ts";

test("reads tables, keeping keys of objects as keys", () => {
  const parsed = parseTomlObject(Buffer.from('\ufeff[[package]]\nname = "a"\n"__proto__" = "b"\n'));
  assert.ok(parsed.kind === "object");
  const [table] = tablesOf(parsed.value["package"], 10)!;
  assert.deepEqual(Object.keys(table!), ["name", "__proto__"]);
  assert.equal(tablesOf("x", 10), undefined);
});

for (const text of ["a = ", "a".repeat(1000), `a = ${"[".repeat(100_000)}`, `a = ${"{b = ".repeat(1000)}`])
  test(`${text.slice(0, 20)} is refused`, () => assert.equal(parseTomlObject(Buffer.from(text)).kind, "bad"));

test("a number past 2^53 is no damage", () =>
  assert.equal(parseTomlObject(Buffer.from("a = 9223372036854775807")).kind, "object"));
