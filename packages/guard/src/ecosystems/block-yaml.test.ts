import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { parseBlockYaml } from "./block-yaml.ts";
import { damage, seeded } from "./damage.cases.ts";

const SAME_AS_YAML: readonly string[] = [
  "a: b\nc:\n  d: e\n  f: 'it''s'\n",
  'a:\n  - b\n  - c: d\n    e: "f"\n  -\n    g: h\n',
  "a:\n- b\n- c:\n  - d\ne: f\n",
  "a: {b: c, 'd:e': [f, \"g, h\"], i: {j: k}}\nl: []\nm: {}\n",
  '"@a/b@npm:^1, c@npm:^2":\n  version: x1\n',
  "? long key\n: v: w\n? other\n:\n  a: b\n".replace(": v: w", ": v"),
  "/@a/b/x_c@d:\n  resolution: {integrity: sha512-a==}\n",
  "a: b # comment\n# all\nc: d#e\n",
  "a: https://example.com/x:y\nb: c:d\n",
  "- - a\n  - b\n- c\n".replace(/^/, "x:\n"),
];

describe("block YAML", () => {
  for (const text of SAME_AS_YAML)
    it(`reads ${JSON.stringify(text.slice(0, 40))} as the library does`, () => {
      const { documents, problems } = parseBlockYaml(Buffer.from(text));
      assert.deepEqual(problems, []);
      assert.deepEqual(JSON.parse(JSON.stringify(documents[0])), parse(text));
    });

  it("keeps numbers, words and keys of objects as text", () => {
    const { documents } = parseBlockYaml(Buffer.from("a: 1.10\nb: true\n__proto__: x\n"));
    assert.deepEqual(Object.entries(documents[0]!), [
      ["a", "1.10"],
      ["b", "true"],
      ["__proto__", "x"],
    ]);
  });

  it("reads several documents, Windows line ends and a byte-order mark", () => {
    const { documents } = parseBlockYaml(Buffer.from("\ufeff---\r\na: b\r\n---\r\nc: |\r\n  d\r\n  e\r\nf: g\r\n"));
    assert.deepEqual(JSON.parse(JSON.stringify(documents)), [{ a: "b" }, { c: "d\ne", f: "g" }]);
  });

  it("bounds nesting and tells of lines it cannot read", () => {
    const deep = Array.from({ length: 100 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n");
    assert.match(parseBlockYaml(Buffer.from(deep)).problems[0] ?? "", /^too-deep:/);
    assert.match(parseBlockYaml(Buffer.from(`a: ${"[".repeat(1000)}`)).problems[0] ?? "", /^malformed: 1 lines/);
    assert.match(parseBlockYaml(Buffer.from("a: b\nnonsense\n")).problems[0] ?? "", /^malformed: 1 lines/);
    assert.match(parseBlockYaml(Buffer.from("- ".repeat(100_000))).problems[0] ?? "", /^too-deep:/);
  });

  it("ends whatever is damaged", () => {
    const random = seeded("block-yaml");
    for (const text of SAME_AS_YAML)
      for (let round = 0; round < 300; round++) parseBlockYaml(damage(Buffer.from(text), random));
  });
});
