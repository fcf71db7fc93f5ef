import { CodedError, isCoded, messageOf } from "@flotilla/base/errors";
import { type Backoff, backoffMs } from "@flotilla/base/retry";
import type { AppState } from "@flotilla/protocol/device";
import { appStateOf } from "./app-state.ts";
import { type Held, isBad, samePair } from "./journal.ts";
import { type Context, plan } from "./plan.ts";
import { EngineError } from "./ports.ts";
import type { Refusal } from "./preflight.ts";
import { createSession, pairKey, RefusedError, type Session, type Shared, type StepContext } from "./session.ts";
import { phaseOf } from "./step.ts";
import { ofApp } from "./steps/prepare.ts";
import { runStep } from "./steps/run-step.ts";
import { fail, verdictOf } from "./steps/verdict.ts";
import { type Current, placesOf } from "./survey.ts";

/** With nothing to do, containers are looked at this often even when the engine reports no change. */
const IDLE_LOOK_MS = 60_000;
/** A container that ran this long after it was started again is well. */
const WELL_MS = 10 * 60_000;
/** A switch that cannot go on for reasons of the engine is given up after so many tries. */
const MAX_STALLS = 10;
const RETRY: Backoff = { firstMs: 1000, maxMs: 30_000, attempts: Number.POSITIVE_INFINITY };
const HOLD: Backoff = { firstMs: 10_000, maxMs: 15 * 60_000, attempts: Number.POSITIVE_INFINITY };
/** Answers of the registry that asking again soon does not change: the download is impossible for now. */
const DOWNLOAD_REFUSALS: readonly string[] = [
  "registry-denied",
  "registry-not-found",
  "registry-failed",
  "blob-damaged",
];

/** The work on one app: level-triggered, one turn after another. */
export interface Runner {
  /** Runs until the signal aborts, or until the app is gone from target, engine and journal. */
  run(signal: AbortSignal): Promise<void>;
  /** Something changed: look again now. */
  wake(): void;
  /** Another target, or none; what is being done for an older one is cut off. */
  retarget(target: Held | undefined): void;
  /** A person allowed this release again. */
  forgive(release: string): void;
  /** Undefined until the engine was read for the first time. */
  state(): AppState | undefined;
}

export interface RunnerOptions {
  readonly app: string;
  readonly target: Held | undefined;
  readonly shared: Shared;
  /** Between 0 and 1, for back-off. */
  readonly random: () => number;
  /** The state changed. */
  readonly publish: () => void;
}

interface Work {
  readonly options: RunnerOptions;
  readonly session: Session;
  target: Held | undefined;
  current: Current | undefined;
  engineDown: boolean;
  failures: number;
  interrupt: AbortController;
  wakeUp: AbortController;
  gone: boolean;
}

export function createRunner(options: RunnerOptions): Runner {
  const work: Work = {
    options,
    session: createSession(options.app),
    target: options.target,
    current: undefined,
    engineDown: false,
    failures: 0,
    interrupt: new AbortController(),
    wakeUp: new AbortController(),
    gone: false,
  };
  return {
    async run(signal) {
      while (!signal.aborted && !work.gone) await turn(work, signal);
    },
    wake: () => work.wakeUp.abort(),
    retarget(target) {
      const same = target === undefined ? work.target === undefined : samePair(work.target, target);
      work.target = target;
      if (same) return;
      work.session.hold = undefined;
      work.session.preflighted = undefined;
      // Not idle any more, and not begun.
      work.session.phase = "waiting";
      work.interrupt.abort(new CodedError("target-changed", "the target changed"));
      work.wakeUp.abort();
    },
    forgive(release) {
      if (work.session.hold?.pair.startsWith(release)) work.session.hold = undefined;
      work.wakeUp.abort();
    },
    state: () => stateOf(work),
  };
}

/** One turn: read, plan, do. Whatever goes wrong in it is seen in the state, and the next turn begins from what is there. */
async function turn(work: Work, signal: AbortSignal): Promise<void> {
  work.interrupt = new AbortController();
  work.wakeUp = new AbortController();
  const context = stepContext(work, AbortSignal.any([signal, work.interrupt.signal]));
  let settled = false;
  try {
    const current = await read(work, context.signal);
    const { steps, aim } = plan(current, await contextOf(work, current, context.signal));
    settled = aim === "mend";
    if (steps.length === 0) return await rest(work, context);
    for (const step of steps) {
      setPhase(work, phaseOf(step, aim));
      await runStep(step, { ...context, settled });
      if (step.kind === "forget") work.gone = work.target === undefined;
    }
    work.failures = 0;
  } catch (error) {
    if (context.signal.aborted) return;
    await handle(error, settled, work, context);
  }
}

async function read(work: Work, signal: AbortSignal): Promise<Current> {
  const { shared, app } = work.options;
  const current = ofApp(await shared.engine.list(signal), app);
  const nowMs = shared.clock.monotonic();
  work.current = current;
  work.engineDown = false;
  work.session.observations.see(current.containers, nowMs);
  for (const id of work.session.rests.keys()) {
    const isThere = current.containers.some((container) => container.id === id);
    const since = work.session.observations.of(id)?.stableSinceMs ?? nowMs;
    if (!isThere || nowMs - since > WELL_MS) work.session.rests.delete(id);
  }
  work.options.publish();
  return current;
}

async function contextOf(work: Work, current: Current, signal: AbortSignal): Promise<Context> {
  const { session, target, options } = work;
  const { clock, journal } = options.shared;
  const state = journal.app(options.app);
  const nowMs = clock.monotonic();
  const instanceOf = (held: Held | undefined) =>
    held === undefined ? undefined : session.instances.get(pairKey(held));
  const context = {
    app: options.app,
    journal: state,
    target,
    targetBarred: target !== undefined && (isBad(journal.state(), options.app, target) || isHeld(work, target, nowMs)),
    targetInstance: instanceOf(target),
    committedInstance: instanceOf(state.committed),
    attemptInstance: instanceOf(state.attempt?.target),
    committedLost: nowMs < session.committedLostUntilMs,
    preflighted: target !== undefined && session.preflighted === pairKey(target),
    resumed: session.resumed,
    observations: session.observations,
    nowMs,
    started: session.started,
    hooked: session.hooked,
    resting: new Set([...session.rests].filter(([, { untilMs }]) => nowMs < untilMs).map(([id]) => id)),
    refusedStarts: session.refusedStarts,
    revive: session.revive || isAnotherBoot(work),
    mendAllowed: nowMs >= session.mend.untilMs,
  };
  return { ...context, images: await presentImages(work, current, context, signal) };
}

/** The engine is asked for images only where the plan can need them. */
async function presentImages(
  work: Work,
  current: Current,
  context: Omit<Context, "images">,
  signal: AbortSignal,
): Promise<Context["images"]> {
  const { targetInstance, committedInstance, journal, target } = context;
  const preparing =
    targetInstance !== undefined && !samePair(journal.committed, target) && journal.attempt === undefined;
  const wanted = new Set(preparing ? targetInstance.images.map(({ config }) => config) : []);
  for (const instance of [targetInstance, committedInstance]) {
    if (instance === undefined) continue;
    for (const { container, replica } of placesOf(instance, current))
      if (container === undefined) wanted.add(replica.image);
  }
  const present = new Set<typeof wanted extends Set<infer D> ? D : never>();
  for (const config of wanted) if (await work.options.shared.engine.hasImage(config, signal)) present.add(config);
  return present;
}

function isHeld(work: Work, target: Held, nowMs: number): boolean {
  const { hold } = work.session;
  return hold !== undefined && hold.pair === pairKey(target) && nowMs < hold.untilMs;
}

/** Nothing to do: waits for a change, or until something that was put off is due. */
async function rest(work: Work, context: StepContext): Promise<void> {
  const { session, options, target } = work;
  const nowMs = options.shared.clock.monotonic();
  session.revive = false;
  await noteBoot(work);
  if (session.mend.failures > 0 && nowMs >= session.mend.untilMs) session.mend = { failures: 0, untilMs: 0 };
  const waits =
    target !== undefined && isHeld(work, target, nowMs) && session.hold?.untilMs !== Number.POSITIVE_INFINITY;
  const mends = nowMs < session.mend.untilMs || [...session.rests.values()].some(({ untilMs }) => nowMs < untilMs);
  setPhase(work, waits || mends ? "waiting" : "idle");
  const due = [
    session.hold?.untilMs,
    session.mend.untilMs,
    ...[...session.rests.values()].map(({ untilMs }) => untilMs),
  ];
  const next = due.filter((ms) => ms !== undefined && ms > nowMs).map((ms) => (ms ?? nowMs) - nowMs);
  await context.pause(Math.min(IDLE_LOOK_MS, ...next));
}

/** Whether the machine was started anew since the app was last seen as it should be. */
function isAnotherBoot({ options }: Work): boolean {
  const { journal, host } = options.shared;
  const { bootId } = journal.app(options.app);
  return bootId !== undefined && bootId !== host.bootId;
}

async function noteBoot({ options }: Work): Promise<void> {
  const { journal, host } = options.shared;
  const { committed, bootId } = journal.app(options.app);
  if (committed !== undefined && bootId !== host.bootId)
    await journal.updateApp(options.app, (app) => ({ ...app, bootId: host.bootId }));
}

async function handle(error: unknown, settled: boolean, work: Work, context: StepContext): Promise<void> {
  const { session, options, target } = work;
  const { log, journal } = options.shared;
  if (error instanceof EngineError && error.status === 0) return engineIsDown(error, work, context);
  log.warn({ app: options.app, phase: session.phase, error }, "a step failed");
  const attempt = journal.app(options.app).attempt;
  if (attempt?.givenUp !== undefined && isOffline(error)) {
    // Neither release can run without the network: it is waited for, and nobody is blamed.
    if (attempt.failure === undefined) setPhase(work, "waiting");
    return pauseAfterFailure(work, context);
  }
  if (attempt !== undefined && attempt.failure === undefined && samePair(attempt.target, target))
    return stall(error, work, context);
  if (settled || attempt !== undefined || target === undefined) return mendLater(work, context);
  const refusal = refusalOf(error);
  if (refusal === undefined) return holdTarget(work, target, undefined);
  return refuse(refusal, target, work, context);
}

/** The engine cannot be reached. What exits meanwhile does so for that. */
async function engineIsDown(error: EngineError, work: Work, context: StepContext): Promise<void> {
  const { session, options } = work;
  if (!work.engineDown) options.shared.log.warn({ app: options.app, error }, "the engine cannot be reached");
  work.engineDown = true;
  session.revive = true;
  session.observations.forgetAll();
  session.started.clear();
  setPhase(work, "waiting");
  await pauseAfterFailure(work, context);
}

async function stall(error: unknown, work: Work, context: StepContext): Promise<void> {
  if (work.failures >= MAX_STALLS) {
    work.failures = 0;
    return fail({ code: "engine-error", reason: `the switch cannot go on: ${messageOf(error)}` }, context);
  }
  await pauseAfterFailure(work, context);
}

async function mendLater(work: Work, context: StepContext): Promise<void> {
  const failures = work.session.mend.failures + 1;
  const waitMs = backoffMs(HOLD, failures, jitter(work));
  work.session.mend = { failures, untilMs: context.clock.monotonic() + waitMs };
  await pauseAfterFailure(work, context);
}

function holdTarget(work: Work, target: Held, refusal: Refusal | undefined): void {
  const pair = pairKey(target);
  const failures = (work.session.hold?.pair === pair ? work.session.hold.failures : 0) + 1;
  const final = refusal !== undefined && !refusal.mayPass;
  const untilMs = final
    ? Number.POSITIVE_INFINITY
    : work.options.shared.clock.monotonic() + backoffMs(HOLD, failures, jitter(work));
  work.session.hold = { pair, failures, untilMs, ...(refusal === undefined ? {} : { refusal }) };
  work.session.preflighted = undefined;
}

async function refuse(refusal: Refusal, target: Held, work: Work, context: StepContext): Promise<void> {
  const { journal, log } = context;
  holdTarget(work, target, refusal);
  const { code, reason } = refusal;
  const before = journal.app(work.options.app).verdict;
  if (before?.kind === "refused" && samePair({ ...target }, asPair(before)) && before.code === code) return;
  log.warn({ app: work.options.app, code }, "a release is refused");
  const verdict = verdictOf(context, target, { kind: "refused", code, reason });
  await journal
    .updateApp(work.options.app, (app) => ({ ...app, verdict }))
    .catch((error: unknown) => {
      log.warn({ error }, "the journal cannot be written");
    });
}

function isOffline(error: unknown): boolean {
  return isCoded(error, "download-failed") || isCoded(error, "token-unavailable");
}

function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof RefusedError) return error.refusal;
  if (!(error instanceof CodedError) || !DOWNLOAD_REFUSALS.includes(error.code)) return undefined;
  return { code: error.code, reason: `the release cannot be downloaded: ${messageOf(error)}`, mayPass: true };
}

async function pauseAfterFailure(work: Work, context: StepContext): Promise<void> {
  work.failures++;
  work.options.publish();
  await context.clock.sleep(backoffMs(RETRY, work.failures, jitter(work)), context.signal).catch(() => undefined);
}

/** Full jitter, but never nothing: a failure must not be repeated at once. */
function jitter(work: Work): number {
  return 0.5 + work.options.random() / 2;
}

function stepContext(work: Work, signal: AbortSignal): StepContext {
  const { shared, publish } = work.options;
  return {
    ...shared,
    session: work.session,
    signal,
    settled: false,
    publish,
    pause: async (ms) => {
      if (work.wakeUp.signal.aborted) {
        work.wakeUp = new AbortController();
        return;
      }
      await shared.clock.sleep(ms, AbortSignal.any([signal, work.wakeUp.signal])).catch(() => undefined);
    },
  };
}

function setPhase(work: Work, phase: AppState["phase"]): void {
  if (work.session.phase === phase) return;
  work.session.phase = phase;
  work.options.publish();
}

function asPair(verdict: {
  readonly release: string;
  readonly variablesHash: string;
}): Pick<Held, "release" | "variablesHash"> {
  return verdict as Pick<Held, "release" | "variablesHash">;
}

function stateOf(work: Work): AppState | undefined {
  if (work.current === undefined) return undefined;
  const { committed, verdict } = work.options.shared.journal.app(work.options.app);
  return appStateOf({
    session: work.session,
    current: work.current,
    engineDown: work.engineDown,
    target: work.target,
    committed,
    committedInstance: committed === undefined ? undefined : work.session.instances.get(pairKey(committed)),
    verdict,
  });
}
