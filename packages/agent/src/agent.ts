import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import type { AppState } from "@flotilla/protocol/device";
import type { Envelope } from "@flotilla/protocol/dsse";
import type { TargetDocument } from "@flotilla/protocol/target";
import { giveUp, keepFacts, keepTidy, makeRoom, watchEngine } from "./background.ts";
import { withDeadlines } from "./deadlines.ts";
import { receive } from "./inbox.ts";
import { type Journal, openJournal, SEQ_BLOCK } from "./journal.ts";
import type { Blobs, Engine, Fetcher, Host, Link, Store } from "./ports.ts";
import { createReporter } from "./report.ts";
import { startRunners } from "./runners.ts";
import type { OpenTarget, Running } from "./running.ts";
import { createStorageLock } from "./storage-lock.ts";
import { openTarget, parseTargetKey } from "./target.ts";

/** Everything the agent touches, as parameters; `main.ts` wires the real ones, `sim` the fake ones. */
export interface AgentOptions {
  readonly engine: Engine;
  readonly link: Link;
  readonly store: Store;
  readonly blobs: Blobs;
  readonly fetcher: Fetcher;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Log;
  /** SPKI DER, base64, of the only key whose targets are accepted (from the enrolment). */
  readonly targetKey: string;
  readonly deviceId: string;
  readonly agentVersion: string;
  /** Between 0 and 1, for back-off. */
  readonly random?: () => number;
}

/** What the agent knows now, for `flotilla-agent status`. */
export interface AgentStatus {
  readonly connected: boolean;
  readonly targetVersion: number;
  readonly apps: Readonly<Record<string, AppState>>;
}

export interface Agent {
  /** Runs until the signal aborts; throws only when its own key material cannot be used. */
  run(signal: AbortSignal): Promise<void>;
  status(): AgentStatus;
}

/** The agent of one device: the same code on a device and in `sim`. */
export function createAgent(options: AgentOptions): Agent {
  let running: Running | undefined;
  return {
    async run(signal) {
      const key = parseTargetKey(options.targetKey);
      const open = (envelope: Envelope) => openTarget(envelope, key, options.deviceId);
      running = await start(options, open, signal);
      await work(running, open);
    },
    status: () => ({
      connected: running?.connected ?? false,
      targetVersion: running?.journal.state().targetVersion ?? 0,
      apps: running === undefined ? {} : statesOf(running),
    }),
  };
}

async function start(options: AgentOptions, open: OpenTarget, signal: AbortSignal): Promise<Running> {
  const { clock, log, host } = options;
  const journal = await openJournal(options.store, (error) =>
    log.warn({ error }, "the journal cannot be read; what runs is derived from the engine"),
  );
  const engine = withDeadlines(options.engine, clock);
  const running: Running = {
    options,
    journal,
    signal,
    shared: {
      ...{ engine, blobs: options.blobs, fetcher: options.fetcher, host, clock, log, journal },
      storage: createStorageLock(),
      releasesSettled: () => running.untidy.abort(),
      makeRoom: (stop) => makeRoom(running, stop),
      giveUp: (given, stop) => giveUp(running, given, stop),
    },
    reporter: createReporter({
      ...{ link: options.link, clock, bootId: host.bootId },
      snapshot: () => snapshotOf(running),
      nextSeq: seqOf(journal),
    }),
    runners: new Map(),
    tasks: new Set(),
    target: heldTarget(journal, open, log),
    facts: undefined,
    connected: false,
    untidy: new AbortController(),
  };
  return running;
}

async function work(running: Running, open: OpenTarget): Promise<void> {
  const { options, signal, reporter } = running;
  const link = options.link.run(
    {
      connected(welcome) {
        running.connected = true;
        reporter.connected(welcome.fullReport);
      },
      disconnected() {
        running.connected = false;
        reporter.disconnected();
      },
      message: (message) => receive(message, running, open),
      targetVersion: () => running.journal.state().targetVersion,
    },
    signal,
  );
  startRunners(running);
  await Promise.all([
    link.catch((error: unknown) => options.log.error({ error }, "the link ended")),
    reporter.run(signal),
    watchEngine(running),
    keepFacts(running),
    keepTidy(running),
  ]);
  await Promise.all(running.tasks);
}

function heldTarget(journal: Journal, open: OpenTarget, log: Log): TargetDocument | undefined {
  const { envelope } = journal.state();
  if (envelope === undefined) return undefined;
  try {
    return open(envelope);
  } catch (error) {
    log.warn({ error }, "the held target does not verify; waiting for another");
    return undefined;
  }
}

function seqOf(journal: Journal): () => Promise<number> {
  let next = 1;
  let end = 1;
  return async () => {
    if (next >= end) {
      next = journal.state().seq + 1;
      end = next + SEQ_BLOCK;
      await journal.update((state) => ({ ...state, seq: state.seq + SEQ_BLOCK }));
    }
    return next++;
  };
}

function statesOf(running: Running): Readonly<Record<string, AppState>> {
  const states = [...running.runners].map(([name, runner]) => [name, runner.state()] as const);
  return Object.fromEntries(states.filter((entry): entry is readonly [string, AppState] => entry[1] !== undefined));
}

function snapshotOf(running: Running) {
  return {
    targetVersion: running.journal.state().targetVersion,
    ...(running.facts === undefined ? {} : { facts: running.facts }),
    apps: statesOf(running),
  };
}
