import { FakeClock } from "@flotilla/base/clock.fake";
import type { Digest } from "@flotilla/base/digest";
import type { Log } from "@flotilla/base/log";
import { silentLog } from "@flotilla/base/log";
import type { AppState } from "@flotilla/protocol/device";
import type { AppTarget } from "@flotilla/protocol/target";
import { type Agent, type AgentOptions, createAgent } from "./agent.ts";
import {
  createFakeHost,
  createFakeLink,
  createMemoryBlobs,
  createMemoryFetcher,
  createMemoryStore,
  type FakeLink,
  type MemoryRegistry,
} from "./device.fake.ts";
import { createFakeEngine } from "./engine.fake.ts";
import { createFakeSigner, fakeTarget } from "./release.fake.ts";

const STEP_MS = 250;

/** One device with everything around it in memory: what outlives the agent, and agents that come and go. */
export function createFakeWorld(log: Log = silentLog) {
  const clock = new FakeClock();
  const engine = createFakeEngine({ clock });
  const registry: MemoryRegistry = new Map();
  const blobs = createMemoryBlobs();
  const fetcher = createMemoryFetcher(registry, blobs);
  const store = createMemoryStore();
  const host = createFakeHost();
  const signer = createFakeSigner();
  let link = createFakeLink();
  let version = 0;
  let stop = new AbortController();
  let running: Promise<void> | undefined;
  let agent: Agent | undefined;
  const state = (app = "shop"): AppState | undefined => link.apps.get(app);

  const world = {
    clock,
    engine,
    registry,
    blobs,
    fetcher,
    store,
    host,
    link: () => link,
    agent: () => agent,
    state,
    /** Starts an agent; `wrap` may put something between it and its ports. */
    start(wrap: (options: AgentOptions) => AgentOptions = (options) => options): void {
      link = createFakeLink();
      stop = new AbortController();
      const options: AgentOptions = {
        ...{ engine, link, store, blobs, fetcher, host, clock, log },
        targetKey: signer.publicKey,
        deviceId: "device-1",
        agentVersion: "0.1.0",
        random: () => 0.5,
      };
      agent = createAgent(wrap(options));
      running = agent.run(stop.signal);
    },
    /** Ends the agent in good order. */
    async stop(): Promise<void> {
      stop.abort();
      await running;
    },
    /** Drops the agent as a crash does: nothing that it began is finished. */
    crash(): void {
      stop.abort();
      running?.catch(() => undefined);
    },
    /** The machine goes down without warning and comes up again. */
    reboot(): void {
      world.crash();
      engine.reboot();
      host.bootId = `${host.bootId}+`;
      world.start();
      world.again();
    },
    /** The server sends a new target. */
    target(apps: Readonly<Record<string, AppTarget>>): void {
      world.envelope = signer.sign({ format: 1, device: "device-1", version: ++version, issuedAt: "", apps });
      link.deliver({ type: "target", envelope: world.envelope });
    },
    /** The last target again, as a server does on every connection. */
    again(): void {
      if (world.envelope !== undefined) link.deliver({ type: "target", envelope: world.envelope });
    },
    envelope: undefined as ReturnType<typeof signer.sign> | undefined,
    run: (release: Digest, variables: Readonly<Record<string, string>> = {}) =>
      world.target({ shop: fakeTarget(release, variables) }),
    /** Lets time pass until `done`, at most `limitMs`; whether it came to be. */
    async until(done: (link: FakeLink) => boolean, limitMs = 600_000, stepMs = STEP_MS): Promise<boolean> {
      for (let passed = 0; passed < limitMs; passed += stepMs) {
        if (done(link)) return true;
        await clock.advance(stepMs);
      }
      return done(link);
    },
    /** Until the device says that it holds the last target and that there is nothing to do for the app. */
    settled: (limitMs?: number, stepMs?: number) =>
      world.until(() => link.targetVersion === version && state()?.phase === "idle", limitMs, stepMs),
    verdict: () => state()?.verdict,
    /** Whether the device said that it holds the last target. */
    holdsTarget: () => link.targetVersion === version,
  };
  return world;
}

export type FakeWorld = ReturnType<typeof createFakeWorld>;
