import { type Backoff, backoffMs } from "@flotilla/base/retry";
import type { Hook } from "@flotilla/compose/app";
import { type ContainerSpec, EngineError } from "../ports.ts";
import { RefusedError, type StepContext } from "../session.ts";
import type { Step } from "../step.ts";
import { unfinishedName } from "../survey.ts";
import { runHooks } from "./hooks.ts";
import { fail } from "./verdict.ts";

/** The container is gone, or already as it should be (Docker: 404, 304). */
const GONE = 404;
const UNCHANGED = 304;

/**
 * Creates a container under a name of its own and gives it its name when it is whole: the engine makes it in several calls, and one that was
 * cut off in between must not pass for it.
 */
export async function createContainer(spec: ContainerSpec, context: StepContext): Promise<void> {
  try {
    const id = await context.engine.createContainer({ ...spec, name: unfinishedName(spec.name) }, context.signal);
    await context.engine.renameContainer(id, spec.name, context.signal);
  } catch (error) {
    await blameRelease(error, `container ${spec.name} cannot be created`, "create-failed", context);
  }
}

const REST: Backoff = { firstMs: 5000, maxMs: 10 * 60_000, attempts: Number.POSITIVE_INFINITY };

/** Starts a container. A container of the release on trial that cannot start decides against it. */
export async function startContainer(
  step: Pick<StartStep, "id" | "name" | "service" | "hooks">,
  context: StepContext,
): Promise<void> {
  if (context.settled) rest(step.id, context);
  context.session.hooked.delete(step.id);
  try {
    await context.engine.startContainer(step.id, context.signal);
    context.session.started.add(step.id);
    context.session.observations.forget(step.id);
    context.session.refusedStarts.delete(step.name);
    await afterStart(step, context);
  } catch (error) {
    if (isAnswer(error, UNCHANGED)) return afterStart(step, context);
    if (isRefusal(error)) noteRefusal(step, context);
    const attempt = context.journal.app(context.session.app).attempt;
    if (attempt === undefined || attempt.failure !== undefined || !isRefusal(error)) throw error;
    const reason = `service ${step.service}: container ${step.name} cannot be started: ${error.message}`;
    await fail({ code: "start-failed", reason }, context);
  }
}

function noteRefusal(step: { readonly id: string; readonly name: string }, { session, settled }: StepContext): void {
  session.started.add(step.id);
  if (!settled) return;
  const count = (session.refusedStarts.get(step.name)?.count ?? 0) + 1;
  session.refusedStarts.set(step.name, { count, id: step.id });
}

/** What is committed and does not stay up is started again at growing intervals. */
function rest(id: string, { session, clock }: StepContext): void {
  const count = (session.rests.get(id)?.count ?? 0) + 1;
  session.rests.set(id, { count, untilMs: clock.monotonic() + backoffMs(REST, count, 1) });
}

type StartStep = Extract<Step, { kind: "start-container" }>;

/** Runs the `post_start` hooks. On trial, one that fails decides against the release; afterwards it is told. */
async function afterStart(step: Pick<StartStep, "id" | "name" | "service" | "hooks">, context: StepContext) {
  if (step.hooks === undefined) return;
  const failure = await runHooks("post_start", step.id, step.hooks, context);
  context.session.hooked.add(step.id);
  if (failure === undefined) return;
  const { attempt } = context.journal.app(context.session.app);
  const reason = `service ${step.service}: ${failure}`;
  if (attempt !== undefined && attempt.failure === undefined)
    return fail({ code: "hook-failed", reason, containerId: step.id }, context);
  context.log.warn({ app: context.session.app, container: step.name, reason }, "a post_start hook failed");
}

/** Stops a container, after its `pre_stop` hooks; it is stopped also when one fails. */
export async function stopContainer(
  step: { readonly id: string; readonly graceMs: number; readonly name?: string; readonly hooks?: readonly Hook[] },
  context: StepContext,
): Promise<void> {
  const reason = await runHooks("pre_stop", step.id, step.hooks ?? [], context);
  if (reason !== undefined)
    context.log.warn({ app: context.session.app, container: step.name, reason }, "a pre_stop hook failed");
  await ignoring([GONE, UNCHANGED], () => context.engine.stopContainer(step.id, step.graceMs, context.signal));
}

export async function removeContainer(id: string, context: StepContext): Promise<void> {
  await ignoring([GONE], () => context.engine.removeContainer(id, context.signal));
  context.session.started.delete(id);
}

/** Runs `task`; answers of the engine with one of these statuses mean that it is done already. */
export async function ignoring(statuses: readonly number[], task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    if (!statuses.some((status) => isAnswer(error, status))) throw error;
  }
}

/**
 * What it means that the engine refuses something a release asks for: before the switch the release is refused, on trial it has failed,
 * and for what is committed it is a failure to mend.
 */
export async function blameRelease(error: unknown, what: string, code: string, context: StepContext): Promise<void> {
  if (!isRefusal(error)) throw error;
  const { attempt } = context.journal.app(context.session.app);
  const reason = `${what}: ${error.message}`;
  if (context.settled || attempt?.failure !== undefined) throw error;
  if (attempt !== undefined) return fail({ code, reason }, context);
  throw new RefusedError({ code, reason, mayPass: true }, { cause: error });
}

/** Whether the engine answered and said no. */
export function isRefusal(error: unknown): error is EngineError {
  return error instanceof EngineError && error.status > 0;
}

function isAnswer(error: unknown, status: number): boolean {
  return error instanceof EngineError && error.status === status;
}
