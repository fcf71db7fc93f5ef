import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "@flotilla/compose/app";
import { sha256 } from "@flotilla/oci/hash";
import type { Observation } from "./observe.ts";
import type { EngineContainer } from "./ports.ts";
import { DEFAULT_STABLE_MS, deadlineMs, judgeContainer } from "./probation.ts";
import { fakeService } from "./release.fake.ts";

interface Case {
  readonly container?: Partial<EngineContainer>;
  readonly service?: Partial<Service>;
  readonly observation?: Partial<Observation>;
  /** Since it was first seen. */
  readonly afterMs: number;
  readonly fresh?: boolean;
  readonly completes?: boolean;
}

function judge(given: Case) {
  const container: EngineContainer = {
    ...{ id: "c1", name: "shop-web-1", labels: {}, image: sha256("image"), health: "none", restarts: 0 },
    state: "running",
    ...given.container,
  };
  const observation = {
    firstSeenMs: 0,
    stableSinceMs: 0,
    firstRestarts: 0,
    restarts: 0,
    startedAtMs: 0,
    ...given.observation,
  };
  const { fresh = true, completes = false } = given;
  const service = fakeService({ image: "web:1", ...given.service });
  const result = judgeContainer(container, { service, observation, nowMs: given.afterMs, fresh, completes });
  if (result.kind === "good") return result.finished ? "finished" : "good";
  return result.kind === "failed" ? result.code : "pending";
}

const http = { kind: "http", port: 80, path: "/", deadlineMs: 30_000 } as const;
const check = { test: ["CMD", "true"], intervalMs: 1000, timeoutMs: 1000, retries: 3 };
const cases: readonly [string, Case, string][] = [
  ["runs, but not long enough", { afterMs: DEFAULT_STABLE_MS - 1 }, "pending"],
  ["runs long enough", { afterMs: DEFAULT_STABLE_MS }, "good"],
  ["ran long, but was restarted since", { afterMs: 20_000, observation: { stableSinceMs: 15_000 } }, "pending"],
  ["never gets stable", { afterMs: 120_000, observation: { stableSinceMs: 119_000 } }, "deadline"],
  [
    "is stable for as long as it declares",
    { afterMs: 3000, service: { probe: { kind: "stable-for", stableMs: 3000, deadlineMs: 9000 } } },
    "good",
  ],
  [
    "health check has not answered",
    { afterMs: 1000, service: { healthcheck: check }, container: { health: "starting" } },
    "pending",
  ],
  ["health check passes", { afterMs: 1000, service: { healthcheck: check }, container: { health: "healthy" } }, "good"],
  [
    "health check fails",
    { afterMs: 1000, service: { healthcheck: check }, container: { health: "unhealthy" } },
    "unhealthy",
  ],
  [
    "health check of a container that ran before fails",
    { afterMs: 1000, fresh: false, service: { healthcheck: check }, container: { health: "unhealthy" } },
    "pending",
  ],
  [
    "health check never answers",
    { afterMs: 3 * 2000 + 30_000, service: { healthcheck: check }, container: { health: "starting" } },
    "deadline",
  ],
  [
    "probe has passed",
    { afterMs: 1, service: { probe: http }, observation: { probe: { passed: true, detail: "" } } },
    "good",
  ],
  ["probe has not passed", { afterMs: 29_999, service: { probe: http } }, "pending"],
  [
    "probe never passes",
    { afterMs: 30_000, service: { probe: http }, observation: { probe: { passed: false, detail: "answers 500" } } },
    "deadline",
  ],
  [
    "the probe counts, not the health check",
    { afterMs: 1, service: { probe: http, healthcheck: check }, container: { health: "unhealthy" } },
    "pending",
  ],
  ["was restarted twice", { afterMs: 1, container: { restarts: 2, state: "restarting" } }, "pending"],
  ["was restarted three times", { afterMs: 1, container: { restarts: 3, state: "restarting" } }, "crash-loop"],
  [
    "was restarted before the trial",
    { afterMs: 20_000, fresh: false, container: { restarts: 9 }, observation: { firstRestarts: 9 } },
    "good",
  ],
  [
    "was restarted three times on trial",
    { afterMs: 1, fresh: false, container: { restarts: 12 }, observation: { firstRestarts: 9 } },
    "crash-loop",
  ],
  ["exits and should run", { afterMs: 1, container: { state: "exited", exitCode: 0 } }, "exited"],
  [
    "one-shot is done",
    { afterMs: 1, service: { restart: { policy: "no" } }, container: { state: "exited", exitCode: 0 } },
    "finished",
  ],
  [
    "one-shot failed",
    { afterMs: 1, service: { restart: { policy: "no" } }, container: { state: "exited", exitCode: 2 } },
    "exited",
  ],
  ["is waited for and done", { afterMs: 1, completes: true, container: { state: "exited", exitCode: 0 } }, "finished"],
  ["is waited for and runs", { afterMs: 60_000, completes: true }, "pending"],
  [
    "was killed for its memory",
    { afterMs: 1, container: { state: "exited", exitCode: 137, oomKilled: true } },
    "out-of-memory",
  ],
  ["is paused", { afterMs: 1, container: { state: "paused" } }, "pending"],
];
for (const [name, given, expected] of cases) {
  test(`a container that ${name}: ${expected}`, () => assert.equal(judge(given), expected));
}

test("the deadline of a health check holds its start period and all its tries", () => {
  const service = fakeService({ image: "web:1", healthcheck: { ...check, startPeriodMs: 60_000 } });
  assert.equal(deadlineMs(service, "starting"), 60_000 + 3 * 2000 + 30_000);
});
