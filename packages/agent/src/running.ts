import type { DeviceFacts } from "@flotilla/protocol/device";
import type { Envelope } from "@flotilla/protocol/dsse";
import type { TargetDocument } from "@flotilla/protocol/target";
import type { AgentOptions } from "./agent.ts";
import type { Held, Journal } from "./journal.ts";
import type { Runner } from "./reconcile.ts";
import { digestOf } from "./release.ts";
import type { Reporter } from "./report.ts";
import type { Shared } from "./session.ts";

/** An agent that runs: what its parts share. */
export interface Running {
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

/** Verifies a target's envelope; throws a `CodedError` when it is not to be believed. */
export type OpenTarget = (envelope: Envelope) => TargetDocument;

/** Lets a task go on beside the others; the agent ends after it. */
export function track(running: Running, task: Promise<void>): void {
  const watched = task
    .catch((error: unknown) => {
      if (!running.signal.aborted) running.options.log.error({ error }, "a task of the agent failed");
    })
    .finally(() => running.tasks.delete(watched));
  running.tasks.add(watched);
}

/** What the target wants of one app. */
export function heldOf(target: TargetDocument | undefined, app: string): Held | undefined {
  const wanted = target?.apps[app];
  if (wanted === undefined) return undefined;
  const { release, repository, variables, variablesHash } = wanted;
  return { release: digestOf(release), repository, variables, variablesHash: digestOf(variablesHash) };
}
