import assert from "node:assert/strict";
import { test } from "node:test";
import { damage, seeded } from "../ecosystems/damage.cases.ts";
import { hasEnded, lifeCycleOf, productOfOs, readLifeCycles } from "./end-of-life.ts";

const OLD = [
  { cycle: "3.20", releaseDate: "2024-05-22", eol: "2026-04-01", latest: "3.20.3", lts: false },
  { cycle: "3.2", eol: true },
  { cycle: "4", eol: false },
  { cycle: "5", eol: "soon" },
];
const NEW = {
  schema_version: "1.2.0",
  result: {
    name: "debian",
    releases: [
      { name: "12", isEol: false, eolFrom: "2026-06-10", latest: { name: "12.11", date: "2025-05-17" } },
      { name: "13", isEol: false },
    ],
  },
};

test("both forms of the documents, without what they do not tell", () => {
  assert.deepEqual(readLifeCycles(OLD), [
    { cycle: "3.20", end: "2026-04-01", latest: "3.20.3" },
    { cycle: "3.2", end: "past" },
    { cycle: "4", end: "open" },
  ]);
  assert.deepEqual(readLifeCycles(NEW), [
    { cycle: "12", end: "2026-06-10", latest: "12.11" },
    { cycle: "13", end: "open" },
  ]);
  for (const other of [[], {}, "x", null, [{ id: "x" }]]) assert.equal(readLifeCycles(other), undefined);
});

test("a version belongs to the line that it begins with, whole numbers only", () => {
  const cycles = readLifeCycles(OLD) ?? [];
  const line = (version: string) => lifeCycleOf(cycles, version)?.cycle;
  assert.deepEqual(["3.20.1", "3.20", "3.2.9", "3.21.0", "4.1"].map(line), ["3.20", "3.20", "3.2", undefined, "4"]);
});

test("the last day is still supported", () => {
  const ended = (end: string, day: string) => hasEnded({ cycle: "1", end }, day);
  assert.deepEqual(
    [
      ended("2026-04-01", "2026-04-01"),
      ended("2026-04-01", "2026-04-02"),
      ended("past", "2000-01-01"),
      ended("open", "2999-01-01"),
    ],
    [false, true, true, false],
  );
});

test("operating systems by their os-release", () => {
  assert.deepEqual(["alpine", "debian", "rocky"].map(productOfOs), ["alpine-linux", "debian", "rocky-linux"]);
});

test("damaged documents are read or refused", () => {
  const random = seeded("end-of-life");
  for (let round = 0; round < 500; round++) {
    try {
      for (const { end } of readLifeCycles(JSON.parse(damage(Buffer.from(JSON.stringify(OLD)), random).toString())) ??
        [])
        assert.match(end, /^(?:past|open|\d{4}-\d\d-\d\d)$/);
    } catch (error) {
      assert.ok(error instanceof SyntaxError, String(error));
    }
  }
});
