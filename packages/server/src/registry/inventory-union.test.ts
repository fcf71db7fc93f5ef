import assert from "node:assert/strict";
import { test } from "node:test";
import type { Inventory, Package } from "@flotilla/guard/model";
import { unionOf } from "./inventory-union.ts";

const found = (name: string, path: string, evidence: Package["evidence"] = "installed"): Package => ({
  purl: `pkg:npm/${name}@1.0.0`,
  ecosystem: "npm",
  name,
  version: "1.0.0",
  evidence,
  locations: [{ path }],
});
const inventory = (packages: readonly Package[], more: Partial<Inventory> = {}): Inventory => ({
  packages,
  secrets: [],
  problems: [],
  notCovered: [],
  ...more,
});

test("equal packages of several platforms are one, with all their places", () => {
  const problem = { path: "p", reason: "too-large: it is" };
  const one = inventory([found("b", "x", "declared"), found("a", "x")], { problems: [problem] });
  const other = inventory([found("b", "y"), found("b", "x")], {
    problems: [problem],
    notCovered: ["maven: not read"],
    os: { id: "debian", versionId: "12" },
  });
  assert.deepEqual(unionOf([one, other]), {
    packages: [found("a", "x"), { ...found("b", "x"), locations: [{ path: "x" }, { path: "y" }] }],
    secrets: [],
    problems: [problem],
    notCovered: ["maven: not read"],
    os: { id: "debian", versionId: "12" },
  });
});

test("nothing together is nothing", () => assert.deepEqual(unionOf([]), inventory([])));
