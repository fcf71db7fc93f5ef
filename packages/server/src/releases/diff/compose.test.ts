import assert from "node:assert/strict";
import { test } from "node:test";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { ComposeChange } from "@flotilla/protocol/api/release-diff";
import { compose } from "../release.fixture.ts";
import { diffCompose } from "./compose.ts";

const BASE = "name: shop\nservices:\n  web: { image: web:1 }\n";

async function app(text: string): Promise<NormalisedApp> {
  const { app: found, problems } = await compose(text);
  assert.deepEqual(problems, []);
  return found!;
}

const changed = (name: string, ...fields: ComposeChange["fields"]): ComposeChange => ({
  section: "services",
  name,
  change: "changed",
  fields,
});

const CASES: readonly (readonly [what: string, from: string, to: string, changes: readonly ComposeChange[]])[] = [
  ["nothing", BASE, BASE, []],
  ["only the order of keys", BASE, "services:\n  web: { image: web:1 }\nname: shop\n", []],
  [
    "one environment value, one more, one less",
    "name: shop\nservices: { web: { image: web:1, environment: { A: '1', B: '2' } } }\n",
    "name: shop\nservices: { web: { image: web:1, environment: { A: '3', C: '4' } } }\n",
    [
      changed(
        "web",
        { field: "environment.A", change: "changed", from: '"1"', to: '"3"' },
        { field: "environment.B", change: "removed", from: '"2"' },
        { field: "environment.C", change: "added", to: '"4"' },
      ),
    ],
  ],
  [
    "the image, and the order of a command",
    "name: shop\nservices: { web: { image: web:1, command: [a, b] } }\n",
    "name: shop\nservices: { web: { image: web:2, command: [b, a] } }\n",
    [
      changed(
        "web",
        { field: "command", change: "changed", from: '["a","b"]', to: '["b","a"]' },
        { field: "image", change: "changed", from: '"web:1"', to: '"web:2"' },
      ),
    ],
  ],
  [
    "a service more, a service less, a volume",
    "name: shop\nservices: { web: { image: web:1 }, old: { image: old:1 } }\n",
    "name: shop\nservices: { web: { image: web:1 }, new: { image: new:1, volumes: ['data:/d'] } }\nvolumes: { data: {} }\n",
    [
      { section: "services", name: "new", change: "added", fields: [] },
      { section: "services", name: "old", change: "removed", fields: [] },
      { section: "volumes", name: "data", change: "added", fields: [] },
    ],
  ],
];
for (const [what, from, to, changes] of CASES)
  test(`compose: ${what}`, async () => assert.deepEqual(diffCompose(await app(from), await app(to)), changes));

test("compose: long values are cut", async () => {
  const long = `name: shop\nservices: { web: { image: web:1, environment: { A: '${"x".repeat(5000)}' } } }\n`;
  const [change] = diffCompose(await app(BASE), await app(long));
  const [field] = change!.fields;
  assert.equal(field?.to?.length, 200);
  assert.ok(field?.to?.endsWith("…"));
});
