import { toInstant } from "@flotilla/base/clock";
import type { Verdict } from "@flotilla/protocol/device";
import { type Attempt, type Held, samePair } from "../journal.ts";
import type { StepContext } from "../session.ts";
import type { Instance } from "../spec.ts";

/** Longest reason that a report may carry. */
const MAX_REASON = 4000;
const LOG_LINES = 20;
const MAX_LOG = 2500;

/** Remembers that the switch begins. From here on, whatever happens ends in `commit`, `conclude` or `abandon`. */
export async function begin(held: Held, context: StepContext): Promise<void> {
  const { session, journal, log } = context;
  await journal.updateApp(session.app, (app) => ({ ...app, attempt: { target: held, resumes: 0 } }));
  resetTrial(context);
  session.resumed = true;
  log.info({ app: session.app, release: held.release }, "switching to a release");
}

/** Counts that an earlier run of the agent began this attempt. */
export async function resume(context: StepContext): Promise<void> {
  const { session, journal, log } = context;
  await journal.updateApp(session.app, (app) =>
    app.attempt === undefined ? app : { ...app, attempt: { ...app.attempt, resumes: app.attempt.resumes + 1 } },
  );
  session.resumed = true;
  log.info({ app: session.app }, "going on with a switch that was interrupted");
}

/** Decides against the release on trial, with the last lines that the container wrote as the reason. */
export async function fail(
  step: { readonly code: string; readonly reason: string; readonly containerId?: string },
  context: StepContext,
): Promise<void> {
  const { session, journal, log } = context;
  const lines = step.containerId === undefined ? "" : await lastLines(step.containerId, context);
  const reason = (lines === "" ? step.reason : `${step.reason}\n${lines}`).slice(0, MAX_REASON);
  await journal.updateApp(session.app, (app) =>
    app.attempt === undefined ? app : { ...app, attempt: failed(app.attempt, step.code, reason) },
  );
  resetTrial(context);
  log.warn({ app: session.app, code: step.code }, "a release failed on probation; the previous one is restored");
}

/** The release proved healthy: it is what the device runs from now on. */
export async function commit(
  step: { readonly instance: Instance; readonly finished: readonly string[] },
  context: StepContext,
): Promise<void> {
  const { session, journal, log } = context;
  const { held } = step.instance;
  const verdict = verdictOf(context, held, { kind: "commit", code: "healthy", reason: "every service proved healthy" });
  await journal.updateApp(session.app, ({ attempt: _, ...app }) => {
    const { committed } = app;
    const previous = committed === undefined || samePair(committed, held) ? app.previous : withoutFinished(committed);
    return {
      ...app,
      committed: { ...held, finished: step.finished },
      ...(previous === undefined ? {} : { previous }),
      verdict,
    };
  });
  endTrial(context);
  log.info({ app: session.app, release: held.release }, "release committed");
}

/** The way back is done: the pair is bad until somebody forgives it. */
export async function conclude(note: string, context: StepContext): Promise<void> {
  const { session, journal } = context;
  const { attempt } = journal.app(session.app);
  if (attempt === undefined) return;
  const { release, variablesHash } = attempt.target;
  const code = attempt.failure?.code ?? "failed";
  const reason = joinReason(attempt.failure?.reason ?? "", note);
  const verdict = verdictOf(context, attempt.target, { kind: "rollback", code, reason });
  await journal.update((state) => {
    const { attempt: _, ...app } = state.apps[session.app] ?? {};
    const bad = state.bad.filter((other) => other.app !== session.app || !samePair(other, attempt.target));
    return {
      ...state,
      apps: { ...state.apps, [session.app]: { ...app, verdict } },
      bad: [...bad, { app: session.app, release, variablesHash }],
    };
  });
  endTrial(context);
}

/** The target changed in the middle: the attempt ends without a verdict. */
export async function abandon(context: StepContext): Promise<void> {
  await context.journal.updateApp(context.session.app, ({ attempt: _, ...app }) => app);
  endTrial(context);
}

/** Nothing of the app is left but its volumes. */
export async function forget(context: StepContext): Promise<void> {
  await context.journal.updateApp(context.session.app, () => undefined);
  endTrial(context);
}

/** A verdict of now. */
export function verdictOf(
  context: Pick<StepContext, "clock">,
  held: Held,
  of: Pick<Verdict, "kind" | "code" | "reason">,
): Verdict {
  return {
    ...of,
    reason: of.reason.slice(0, MAX_REASON),
    release: held.release,
    variablesHash: held.variablesHash,
    at: toInstant(context.clock.now()),
  };
}

async function lastLines(containerId: string, context: StepContext): Promise<string> {
  try {
    return (await context.engine.logs(containerId, LOG_LINES, context.signal)).trimEnd().slice(-MAX_LOG);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.debug({ error }, "the last lines of a failed container cannot be read");
    return "";
  }
}

/** The note stands first where the reason is so long that its end would be lost. */
function joinReason(reason: string, note: string): string {
  const [first = "", ...lines] = reason.split("\n");
  return [`${first}; ${note}`, ...lines].join("\n");
}

function failed(attempt: Attempt, code: string, reason: string): Attempt {
  return attempt.failure === undefined ? { ...attempt, failure: { code, reason } } : attempt;
}

function withoutFinished(committed: Held & { readonly finished: readonly string[] }): Held {
  const { finished: _, ...held } = committed;
  return held;
}

function resetTrial({ session }: StepContext): void {
  session.observations.forgetAll();
  session.started.clear();
}

function endTrial(context: StepContext): void {
  resetTrial(context);
  context.session.preflighted = undefined;
  context.session.resumed = false;
  context.releasesSettled();
}
