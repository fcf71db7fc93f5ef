import { isCoded, messageOf } from "@flotilla/base/errors";
import type { Hook } from "@flotilla/compose/app";
import { within } from "../deadlines.ts";
import { EngineError, type ExecOptions } from "../ports.ts";
import type { StepContext } from "../session.ts";

/** How long one hook may take. */
export const HOOK_DEADLINE_MS = 10 * 60_000;

/**
 * Runs hooks of a service in its container, one after the other, and says why one failed; those behind it are not run. May be cut off at any
 * point: a container on trial then gets its hooks again. Throws when the engine cannot be reached.
 */
export async function runHooks(
  kind: "post_start" | "pre_stop",
  id: string,
  hooks: readonly Hook[],
  context: StepContext,
): Promise<string | undefined> {
  for (const [at, hook] of hooks.entries()) {
    const what = `${kind} hook ${at + 1}`;
    try {
      const deadline = { clock: context.clock, ms: HOOK_DEADLINE_MS, what, signal: context.signal };
      const code = await within(deadline, (signal) => context.engine.exec(id, hook.command, signal, optionsOf(hook)));
      if (code !== 0) return `its ${what} ended with exit code ${code}`;
    } catch (error) {
      context.signal.throwIfAborted();
      const late = isCoded(error, "deadline");
      if (!late && !(error instanceof EngineError && error.status > 0)) throw error;
      return late
        ? `its ${what} did not end within ${HOOK_DEADLINE_MS / 60_000} minutes`
        : `its ${what}: ${messageOf(error)}`;
    }
  }
  return undefined;
}

function optionsOf({ command: _, ...options }: Hook): ExecOptions {
  return options;
}
