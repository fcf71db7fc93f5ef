import assert from "node:assert/strict";
import { test } from "node:test";
import type { NormalisedApp } from "@flotilla/compose/app";
import { createMemoryBlobs, createMemoryFetcher, type MemoryRegistry } from "./device.fake.ts";
import type { Held } from "./journal.ts";
import { createObservations } from "./observe.ts";
import { type Context, MAX_RESUMES, plan } from "./plan.ts";
import { type EngineContainer, LABELS } from "./ports.ts";
import { fakeApp, fakeService, fakeTarget, makeRelease } from "./release.fake.ts";
import { digestOf, loadRelease } from "./release.ts";
import { buildInstance, type Instance } from "./spec.ts";
import type { Step } from "./step.ts";
import type { Current } from "./survey.ts";

const NEEDS = { required: true, restart: false } as const;

/** What an app means on an amd64 machine. */
async function instanceOf(app: NormalisedApp): Promise<Instance> {
  const registry: MemoryRegistry = new Map();
  const release = makeRelease({ registry, app });
  const blobs = createMemoryBlobs();
  const source = { blobs, fetcher: createMemoryFetcher(registry, blobs) };
  const held = { release, repository: "default/shop", app: "shop" };
  const loaded = await loadRelease(held, source, AbortSignal.timeout(10_000));
  const { variables, variablesHash } = fakeTarget(release);
  const pair: Held = { release, repository: "default/shop", variables, variablesHash: digestOf(variablesHash) };
  return buildInstance("shop", loaded, pair, { os: "linux", architecture: "amd64" });
}

const web = (version: string) =>
  fakeService({ image: `web:${version}`, dependsOn: { db: { condition: "service_healthy", ...NEEDS } } });
const v1 = await instanceOf(fakeApp({ db: fakeService({ image: "db:1" }), web: web("1") }));
const v2 = await instanceOf(fakeApp({ db: fakeService({ image: "db:1" }), web: web("2") }));

type Look = Partial<EngineContainer>;

/** Containers of `instance` as the engine shows them. */
function containersOf(instance: Instance, look: Look, services?: readonly string[]): EngineContainer[] {
  return instance.services.flatMap(({ name, replicas }) =>
    services !== undefined && !services.includes(name)
      ? []
      : replicas.map((replica) => ({
          ...{ id: replica.name, name: replica.name, image: replica.image, health: "healthy", restarts: 0 },
          state: "running",
          labels: {
            [LABELS.app]: "shop",
            [LABELS.service]: name,
            [LABELS.replica]: String(replica.replica),
            [LABELS.release]: instance.held.release,
            [LABELS.variables]: instance.held.variablesHash,
            [LABELS.spec]: replica.specHash,
          },
          ...look,
        })),
  );
}

const NETWORKS = [{ name: "shop_default", app: "shop", specHash: v1.networks[0]?.specHash ?? "" }];
const current = (containers: readonly EngineContainer[], networks: Current["networks"] = NETWORKS): Current => ({
  containers,
  networks,
  volumes: [],
});

function contextOf(given: Partial<Context>, seen: readonly EngineContainer[] = []): Context {
  const observations = createObservations();
  observations.see(seen, 0);
  return {
    app: "shop",
    journal: {},
    target: v2.held,
    targetBarred: false,
    targetInstance: v2,
    committedInstance: undefined,
    attemptInstance: undefined,
    committedLost: false,
    images: new Set(v2.images.map(({ config }) => config)),
    preflighted: true,
    resumed: true,
    observations,
    nowMs: 20_000,
    started: new Set(),
    resting: new Set(),
    refusedStarts: new Map(),
    revive: false,
    mendAllowed: true,
    ...given,
  };
}

/** `start shop-web-1`: the step and its object, without hashes. */
function say(step: Step): string {
  const name = (text: string) => text.replace(/-[0-9a-f]{8}$/, "");
  switch (step.kind) {
    case "create-container":
      return `create ${name(step.spec.name)}`;
    case "start-container":
    case "stop-container":
    case "remove-container":
      return `${step.kind.split("-")[0]} ${name(step.name)}`;
    case "fail":
      return `fail ${step.code}`;
    case "fetch-release":
      return `fetch-release ${step.role}`;
    default:
      return step.kind;
  }
}

const steps = (now: Current, given: Partial<Context>) => plan(now, contextOf(given, now.containers)).steps.map(say);

const committed = { committed: { ...v1.held, finished: [] } };
const runningV1 = { journal: committed, committedInstance: v1 };
const trial = { ...runningV1, journal: { ...committed, attempt: { target: v2.held, resumes: 0 } } };
const failure = { code: "unhealthy", reason: "no" };
const back = {
  ...runningV1,
  attemptInstance: v2,
  journal: { ...committed, attempt: { target: v2.held, resumes: 0, failure } },
};
const oldWeb = containersOf(v1, {}, ["web"]);
const both = containersOf(v1, {});
const newWeb = (look: Look) => containersOf(v2, look, ["web"]);
const refusals = (count: number) => new Map(oldWeb.map(({ id, name }) => [name, { count, id }]));
const stopped: Look = { state: "exited", exitCode: 0, health: "none" };
const db = containersOf(v1, {}, ["db"]);

const cases: readonly [string, Current, Partial<Context>, readonly string[]][] = [
  ["nothing is known of the release", current([]), { targetInstance: undefined }, ["fetch-release target"]],
  ["the release has not been checked", current([]), { preflighted: false }, ["preflight"]],
  ["images are missing", current([]), { images: new Set() }, ["download", "load-image", "load-image"]],
  [
    "all is here for a first start",
    current([], []),
    {},
    ["create-network", "create shop-db-1", "create shop-web-1", "begin"],
  ],
  ["the old release runs", current(both), runningV1, ["create shop-web-1", "begin"]],
  [
    "a container of neither release is there",
    current([...both, ...newWeb({ id: "x", labels: { [LABELS.app]: "shop" }, name: "shop-x-1" })]),
    runningV1,
    ["stop shop-x-1", "remove shop-x-1"],
  ],
  [
    "the switch begins: only what differs stops",
    current([...both, ...newWeb({ state: "created", health: "none" })]),
    trial,
    ["stop shop-web-1"],
  ],
  [
    "the old one is stopped",
    current([...db, ...containersOf(v1, stopped, ["web"]), ...newWeb({ state: "created", health: "none" })]),
    trial,
    ["start shop-web-1"],
  ],
  [
    "what it waits for is not healthy",
    current([...containersOf(v1, { health: "starting" }, ["db"]), ...newWeb({ state: "created", health: "none" })]),
    trial,
    ["watch"],
  ],
  ["it is not healthy yet", current([...db, ...newWeb({ health: "starting" })]), trial, ["watch"]],
  ["everything is healthy", current([...db, ...newWeb({})]), trial, ["commit"]],
  ["it is unhealthy", current([...db, ...newWeb({ health: "unhealthy" })]), trial, ["fail unhealthy"]],
  [
    "it exited and this run had started it",
    current([...db, ...newWeb({ ...stopped, exitCode: 1 })]),
    { ...trial, started: new Set(newWeb({}).map(({ id }) => id)) },
    ["fail exited"],
  ],
  [
    "it exited while no agent ran",
    current([...db, ...newWeb({ ...stopped, exitCode: 1 })]),
    trial,
    ["start shop-web-1"],
  ],
  ["an earlier run began the switch", current(both), { ...trial, resumed: false }, ["resume"]],
  [
    "the agent was stopped too often",
    current(both),
    { ...trial, journal: { ...committed, attempt: { target: v2.held, resumes: MAX_RESUMES + 1 } } },
    ["fail interrupted"],
  ],
  [
    "it failed: it stops first",
    current([...db, ...containersOf(v1, stopped, ["web"]), ...newWeb({})]),
    back,
    ["stop shop-web-1"],
  ],
  [
    "it failed and is stopped: the old one starts",
    current([...db, ...containersOf(v1, stopped, ["web"]), ...newWeb(stopped)]),
    back,
    ["start shop-web-1"],
  ],
  [
    "the old one is not healthy yet",
    current([...db, ...containersOf(v1, { health: "starting" }, ["web"]), ...newWeb(stopped)]),
    back,
    ["watch"],
  ],
  ["the old one is healthy", current([...both, ...newWeb(stopped)]), back, ["remove shop-web-1"]],
  ["nothing of the failed one is left", current(both), back, ["conclude"]],
  [
    "the target changed in the middle",
    current([...both, ...newWeb({})]),
    { ...trial, target: v1.held, targetInstance: v1 },
    ["stop shop-web-1"],
  ],
  ["the target changed and all is back", current(both), { ...trial, target: v1.held, targetInstance: v1 }, ["abandon"]],
  [
    "a first release failed and is stopped",
    current(containersOf(v2, stopped)),
    { ...back, committedInstance: undefined, journal: { attempt: back.journal.attempt } },
    ["remove shop-db-1", "remove shop-web-1"],
  ],
  ["the target is reached", current(both), { ...runningV1, target: v1.held, targetInstance: v1 }, []],
  ["the target is barred: what is committed goes on", current(both), { ...runningV1, targetBarred: true }, []],
  [
    "a committed container vanished",
    current(db),
    { ...runningV1, targetBarred: true, images: new Set(v1.images.map(({ config }) => config)) },
    ["create shop-web-1"],
  ],
  [
    "a committed container and its image vanished",
    current(db),
    { ...runningV1, targetBarred: true, images: new Set() },
    ["download", "load-image", "create shop-web-1"],
  ],
  [
    "a committed container exited",
    current([...db, ...containersOf(v1, stopped, ["web"])]),
    { ...runningV1, targetBarred: true },
    ["start shop-web-1"],
  ],
  [
    "a committed container exited and rests",
    current([...db, ...containersOf(v1, stopped, ["web"])]),
    { ...runningV1, targetBarred: true, resting: new Set(oldWeb.map(({ id }) => id)) },
    [],
  ],
  [
    "the engine refuses to start a committed container again and again",
    current([...db, ...containersOf(v1, stopped, ["web"])]),
    { ...runningV1, targetBarred: true, refusedStarts: refusals(2) },
    ["remove shop-web-1"],
  ],
  [
    "not even a container made anew starts: its image is loaded again",
    current(db),
    {
      ...runningV1,
      targetBarred: true,
      refusedStarts: refusals(4),
      images: new Set(v1.images.map(({ config }) => config)),
    },
    ["download", "remove-image", "load-image", "create shop-web-1"],
  ],
  [
    "the old release is tidied away",
    current([...both, ...newWeb({})]),
    { ...runningV1, target: v1.held, targetInstance: v1 },
    ["stop shop-web-1", "remove shop-web-1"],
  ],
  [
    "mending comes before an update",
    current(db),
    { ...runningV1, images: new Set([...v1.images, ...v2.images].map(({ config }) => config)) },
    ["create shop-web-1"],
  ],
  [
    "mending is put off: the update goes on",
    current(db),
    { ...runningV1, mendAllowed: false },
    ["create shop-web-1", "begin"],
  ],
  [
    "the committed release cannot be read: its containers are no leftovers",
    current(both),
    { journal: committed, committedLost: true },
    ["create shop-web-1", "begin"],
  ],
  [
    "a container was left half-made",
    current([...both, ...newWeb({ state: "created", name: "shop-web-1.unfinished" })]),
    trial,
    ["remove shop-web-1.unfinished"],
  ],
  [
    "the app is not wanted: dependants stop first",
    current(both),
    { ...runningV1, target: undefined },
    ["stop shop-web-1", "stop shop-db-1"],
  ],
  [
    "the app is not wanted and stopped",
    current(containersOf(v1, stopped)),
    { ...runningV1, target: undefined },
    ["remove shop-db-1", "remove shop-web-1"],
  ],
  [
    "the app is not wanted and its containers are gone",
    current([]),
    { ...runningV1, target: undefined },
    ["remove-network"],
  ],
  ["nothing of an unwanted app is left", current([], []), { ...runningV1, target: undefined }, ["forget"]],
];
for (const [name, now, given, expected] of cases) {
  test(`when ${name}: ${expected.join(", ") || "nothing"}`, () => assert.deepEqual(steps(now, given), expected));
}

test("a one-shot service that finished is not run again, unless it had not finished when the release was committed", async () => {
  const job = fakeService({ image: "job:1", restart: { policy: "no" } });
  const app = await instanceOf(fakeApp({ job }));
  const done = current(containersOf(app, stopped), [
    { name: "shop_default", app: "shop", specHash: app.networks[0]?.specHash ?? "" },
  ]);
  const given = (finished: readonly string[], revive: boolean): Partial<Context> => ({
    ...{ target: app.held, targetInstance: app, committedInstance: app, revive },
    journal: { committed: { ...app.held, finished } },
  });
  assert.deepEqual(steps(done, given(["job"], true)), []);
  assert.deepEqual(steps(done, given([], false)), []);
  assert.deepEqual(steps(done, given([], true)), ["start shop-job-1"], "it ran when the machine went down");
});

test("a network whose options changed is made beside the old one", async () => {
  const other = await instanceOf(
    fakeApp({ web: fakeService({ image: "web:1" }) }, { networks: { default: { internal: true } } }),
  );
  const made = plan(
    current(both),
    contextOf(
      {
        ...runningV1,
        target: other.held,
        targetInstance: other,
        images: new Set(other.images.map(({ config }) => config)),
      },
      both,
    ),
  );
  const network = made.steps.find((step) => step.kind === "create-network");
  assert.equal(network?.spec.name, `shop_default_${other.networks[0]?.specHash.slice(0, 8)}`);
});
