import type { Clock } from "@flotilla/base/clock";
import { isCoded } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import { Semaphore } from "@flotilla/base/semaphore";
import type { AppState, DeviceFacts, ServerMessage } from "@flotilla/protocol/device";
import type { Envelope } from "@flotilla/protocol/dsse";
import type { TargetDocument } from "@flotilla/protocol/target";
import { withDeadlines } from "./deadlines.ts";
import { gatherFacts } from "./facts.ts";
import { type Held, type Journal, openJournal, SEQ_BLOCK } from "./journal.ts";
import { type Blobs, type Engine, type Fetcher, type Host, LABELS, type Link, type Store } from "./ports.ts";
import { createRunner, type Runner } from "./reconcile.ts";
import { digestOf } from "./release.ts";
import { createReporter, type Reporter } from "./report.ts";
import { tidyStorage } from "./retention.ts";
import type { Shared } from "./session.ts";
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

/** Waits after the engine's change stream broke, and between two looks at a busy engine. */
const CHANGES_BROKEN_MS = 5000;
const CHANGES_GATHER_MS = 100;
const FACTS_MS = 60 * 60_000;
const FACTS_RETRY_MS = 10_000;
const TIDY_RETRY_MS = 60_000;

interface Running {
  readonly options: AgentOptions;
  readonly shared: Shared;
  readonly journal: Journal;
  readonly reporter: Reporter;
  readonly runners: Map<string, Runner>;
  readonly tasks: Set<Promise<void>>;
  readonly signal: AbortSignal;
  target: TargetDocument | undefined;
  facts: DeviceFacts | undefined;
  connected: boolean;
  untidy: AbortController;
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

type OpenTarget = (envelope: Envelope) => TargetDocument;

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
      storage: new Semaphore(1),
      releasesSettled: () => running.untidy.abort(),
      makeRoom: async (stop) => (await tidyStorage({ ...retention(running), keepPrevious: false }, stop)) > 0,
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

function receive(message: ServerMessage, running: Running, open: OpenTarget): void {
  switch (message.type) {
    case "target":
      track(running, acceptTarget(message.envelope, running, open));
      return;
    case "ack":
      running.reporter.acknowledged(message.seq);
      return;
    case "forgive":
      track(running, forgive(message.app, message.release, running));
      return;
    case "challenge":
    case "welcome":
    case "token":
    case "refusal":
      return; // The link's own.
  }
}

/** Believes a target that is signed, made for this device and not older than the one it holds. */
async function acceptTarget(envelope: Envelope, running: Running, open: OpenTarget): Promise<void> {
  const { journal, options } = running;
  const held = journal.state();
  let document: TargetDocument;
  try {
    document = open(envelope);
  } catch (error) {
    options.log.warn({ error, code: isCoded(error) ? error.code : "target-invalid" }, "a target is refused");
    return;
  }
  if (document.version < held.targetVersion) {
    const versions = { version: document.version, held: held.targetVersion };
    options.log.warn({ ...versions, code: "target-replayed" }, "a target older than the held one is refused");
    return;
  }
  if (document.version === held.targetVersion && running.target !== undefined) return;
  await journal.update((state) =>
    document.version < state.targetVersion ? state : { ...state, envelope, targetVersion: document.version },
  );
  if (journal.state().targetVersion !== document.version) return;
  running.target = document;
  options.log.info({ version: document.version }, "target accepted");
  startRunners(running);
  running.reporter.touch();
}

async function forgive(app: string, release: string, running: Running): Promise<void> {
  await running.journal.update((state) => {
    const { [app]: journal, ...others } = state.apps;
    const { verdict, ...kept } = journal ?? {};
    const still = verdict === undefined || verdict.release === release ? {} : { verdict };
    return {
      ...state,
      bad: state.bad.filter((bad) => bad.app !== app || bad.release !== release),
      ...(journal === undefined ? {} : { apps: { ...others, [app]: { ...kept, ...still } } }),
    };
  });
  running.runners.get(app)?.forgive(release);
}

/** A runner for every app that is wanted, remembered or there. Without a target nothing is touched: it is not known what is wanted. */
function startRunners(running: Running): void {
  const { target, journal } = running;
  if (target === undefined) return;
  const names = new Set([...Object.keys(target.apps), ...Object.keys(journal.state().apps)]);
  for (const name of names) ensureRunner(name, running);
  for (const [name, runner] of running.runners) runner.retarget(heldOf(target, name));
  track(running, findStrays(running));
}

/** Apps on the engine of which neither target nor journal knows. */
async function findStrays(running: Running): Promise<void> {
  try {
    const { containers, networks } = await running.shared.engine.list(running.signal);
    const names = [...containers.map(({ labels }) => labels[LABELS.app] ?? ""), ...networks.map(({ app }) => app)];
    for (const name of new Set(names)) if (name !== "") ensureRunner(name, running);
  } catch (error) {
    running.options.log.debug(
      { error },
      "the engine cannot be searched for forgotten apps; the next target does it again",
    );
  }
}

function ensureRunner(app: string, running: Running): void {
  if (running.runners.has(app) || running.signal.aborted) return;
  const runner = createRunner({
    app,
    target: heldOf(running.target, app),
    shared: running.shared,
    random: running.options.random ?? Math.random,
    publish: () => running.reporter.touch(),
  });
  running.runners.set(app, runner);
  track(
    running,
    runner.run(running.signal).finally(() => {
      running.runners.delete(app);
      // Wanted again while it was being removed.
      if (heldOf(running.target, app) !== undefined) ensureRunner(app, running);
      running.reporter.touch();
    }),
  );
}

/** Looks at the engine again whenever it says that something changed. */
async function watchEngine({ shared, signal, runners }: Running): Promise<void> {
  while (!signal.aborted) {
    try {
      await shared.engine.changed(signal);
      await shared.clock.sleep(CHANGES_GATHER_MS, signal);
    } catch {
      if (signal.aborted) return;
      await shared.clock.sleep(CHANGES_BROKEN_MS, signal).catch(() => undefined);
    }
    for (const runner of runners.values()) runner.wake();
  }
}

async function keepFacts(running: Running): Promise<void> {
  const { shared, options, signal } = running;
  while (!signal.aborted) {
    let waitMs = FACTS_MS;
    try {
      running.facts = await gatherFacts(shared, options.agentVersion, signal);
      running.reporter.touch();
    } catch (error) {
      if (signal.aborted) return;
      shared.log.debug({ error }, "facts cannot be gathered");
      waitMs = FACTS_RETRY_MS;
    }
    await shared.clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

async function keepTidy(running: Running): Promise<void> {
  const { shared, signal } = running;
  while (!signal.aborted) {
    await shared.clock.sleep(FACTS_MS, AbortSignal.any([signal, running.untidy.signal])).catch(() => undefined);
    if (signal.aborted) return;
    running.untidy = new AbortController();
    try {
      await shared.storage.run(() => tidyStorage({ ...retention(running), keepPrevious: true }, signal));
    } catch (error) {
      if (signal.aborted) return;
      shared.log.debug({ error }, "storage cannot be tidied now");
      await shared.clock.sleep(TIDY_RETRY_MS, signal).catch(() => undefined);
      running.untidy.abort();
    }
  }
}

function retention({ shared, target }: Running) {
  const targets = Object.keys(target?.apps ?? {}).map((name) => [name, heldOf(target, name)] as const);
  const { engine, blobs, journal, log } = shared;
  return { engine, blobs, journal, log, targets: Object.fromEntries(targets) as Readonly<Record<string, Held>> };
}

function track(running: Running, task: Promise<void>): void {
  const watched = task
    .catch((error: unknown) => {
      if (!running.signal.aborted) running.options.log.error({ error }, "a task of the agent failed");
    })
    .finally(() => running.tasks.delete(watched));
  running.tasks.add(watched);
}

function heldOf(target: TargetDocument | undefined, app: string): Held | undefined {
  const wanted = target?.apps[app];
  if (wanted === undefined) return undefined;
  const { release, repository, variables, variablesHash } = wanted;
  return { release: digestOf(release), repository, variables, variablesHash: digestOf(variablesHash) };
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
