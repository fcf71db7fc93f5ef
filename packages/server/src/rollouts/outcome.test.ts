import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppState } from "@flotilla/protocol/device";
import { type AppEvidence, changes, observe } from "./outcome.ts";

const NEW = `sha256:${"a".repeat(64)}`;
const OLD = `sha256:${"b".repeat(64)}`;
const HASH = `sha256:${"1".repeat(64)}`;
const OTHER_HASH = `sha256:${"2".repeat(64)}`;

const state = (change: Partial<AppState>): AppState => ({ phase: "idle", containers: [], ...change });
const verdict = (kind: "commit" | "rollback" | "refused", variablesHash = HASH, release = NEW) =>
  ({
    kind,
    release,
    variablesHash,
    code: "unhealthy",
    reason: "web is unhealthy",
    at: "2026-11-24T00:00:00Z",
  }) as const;
const target = { release: NEW, variablesHash: HASH };

const cases: readonly [what: string, evidence: AppEvidence, outcome: string, heard: boolean][] = [
  ["nothing is known", {}, "pending", false],
  ["it has the target and said nothing", { target }, "pending", false],
  ["its target is still another", { target: { ...target, release: OLD }, state: state({}) }, "pending", false],
  ["it still runs the old one", { target, state: state({ release: OLD, variablesHash: HASH }) }, "pending", false],
  ["it downloads", { target, state: state({ release: OLD, phase: "downloading", target: NEW }) }, "pending", true],
  [
    "it committed",
    { target, state: state({ release: NEW, variablesHash: HASH, verdict: verdict("commit") }) },
    "committed",
    true,
  ],
  ["it restored", { target, state: state({ release: OLD, verdict: verdict("rollback") }) }, "failed", true],
  ["it refused", { target, state: state({ verdict: verdict("refused") }) }, "failed", true],
  [
    "it failed with other variables",
    { target, state: state({ release: OLD, verdict: verdict("rollback", OTHER_HASH) }) },
    "pending",
    false,
  ],
  [
    "it failed on another release",
    { target, state: state({ release: OLD, verdict: verdict("rollback", HASH, OLD) }) },
    "pending",
    false,
  ],
  ["it ran it before", { target, state: state({ release: NEW, variablesHash: HASH }) }, "committed", true],
  [
    "it runs it with old variables",
    { target, state: state({ release: NEW, variablesHash: OTHER_HASH }) },
    "pending",
    false,
  ],
  ["a variable is missing", { problem: { code: "variables-missing", message: "URL", release: NEW } }, "failed", true],
  [
    "a variable of another release is missing",
    { target, problem: { code: "variables-missing", message: "URL", release: OLD } },
    "pending",
    false,
  ],
];
for (const [what, evidence, outcome, heard] of cases)
  test(`when ${what}, it is ${outcome}`, () => {
    const observed = observe(NEW, evidence);
    assert.deepEqual([observed.outcome, observed.heard], [outcome, heard]);
  });

test("the device's reason is kept", () => {
  const observed = observe(NEW, { target, state: state({ verdict: verdict("rollback") }) });
  assert.deepEqual([observed.code, observed.reason], ["unhealthy", "web is unhealthy"]);
});

const pending = { outcome: "pending", heard: true } as const;
const committed = { outcome: "committed", heard: true } as const;
const failed = { outcome: "failed", heard: true } as const;
const moves: readonly [held: Parameters<typeof changes>[0], pending: boolean, committed: boolean, failed: boolean][] = [
  [{ outcome: "pending", reasonCode: null }, true, true, true],
  [{ outcome: "committed", reasonCode: null }, false, false, true],
  [{ outcome: "failed", reasonCode: "unhealthy" }, true, true, true],
  [{ outcome: "failed", reasonCode: "fell-silent" }, false, true, true],
  [{ outcome: "left-out", reasonCode: "never-heard" }, false, true, true],
  [{ outcome: "superseded", reasonCode: null }, false, false, false],
  [{ outcome: "put-back", reasonCode: null }, false, false, false],
  [{ outcome: "waiting", reasonCode: null }, false, false, false],
  [{ outcome: "gone", reasonCode: null }, false, false, false],
];
for (const [held, ...expected] of moves)
  test(`${held.outcome} (${held.reasonCode}) moves on ${expected}`, () => {
    assert.deepEqual([changes(held, pending), changes(held, committed), changes(held, failed)], expected);
  });
