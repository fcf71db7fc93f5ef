import { type Backoff, backoffMs } from "@flotilla/base/retry";
import { type ContainerSpec, EngineError } from "../ports.ts";
import { RefusedError, type StepContext } from "../session.ts";
import { fail } from "./verdict.ts";

/** The container is gone, or already as it should be (Docker: 404, 304). */
const GONE = 404;
const UNCHANGED = 304;

export async function createContainer(spec: ContainerSpec, context: StepContext): Promise<void> {
  try {
    await context.engine.createContainer(spec, context.signal);
  } catch (error) {
    await blameRelease(error, `container ${spec.name} cannot be created`, "create-failed", context);
  }
}

const REST: Backoff = { firstMs: 5000, maxMs: 10 * 60_000, attempts: Number.POSITIVE_INFINITY };

/** Starts a container. A container of the release on trial that cannot start decides against it. */
export async function startContainer(
  step: { readonly id: string; readonly name: string; readonly service: string },
  context: StepContext,
): Promise<void> {
  if (context.settled) rest(step.id, context);
  try {
    await context.engine.startContainer(step.id, context.signal);
    context.session.started.add(step.id);
    context.session.observations.forget(step.id);
  } catch (error) {
    if (isAnswer(error, UNCHANGED)) return;
    if (isRefusal(error)) context.session.started.add(step.id);
    const attempt = context.journal.app(context.session.app).attempt;
    if (attempt === undefined || attempt.failure !== undefined || !isRefusal(error)) throw error;
    const reason = `service ${step.service}: container ${step.name} cannot be started: ${error.message}`;
    await fail({ code: "start-failed", reason }, context);
  }
}

/** What is committed and does not stay up is started again at growing intervals. */
function rest(id: string, { session, clock }: StepContext): void {
  const count = (session.rests.get(id)?.count ?? 0) + 1;
  session.rests.set(id, { count, untilMs: clock.monotonic() + backoffMs(REST, count, 1) });
}

export async function stopContainer(
  step: { readonly id: string; readonly graceMs: number },
  context: StepContext,
): Promise<void> {
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
