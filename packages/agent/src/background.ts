import { gatherFacts } from "./facts.ts";
import type { Held } from "./journal.ts";
import { type GivenUp, tidyStorage } from "./retention.ts";
import { heldOf, type Running } from "./running.ts";

/** Waits after the engine's change stream broke, and between two looks at a busy engine. */
const CHANGES_BROKEN_MS = 5000;
const CHANGES_GATHER_MS = 100;
const FACTS_MS = 60 * 60_000;
const FACTS_RETRY_MS = 10_000;
const TIDY_RETRY_MS = 60_000;

/** Looks at the engine again whenever it says that something changed. */
export async function watchEngine({ shared, signal, runners }: Running): Promise<void> {
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

export async function keepFacts(running: Running): Promise<void> {
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

export async function keepTidy(running: Running): Promise<void> {
  const { shared, signal } = running;
  while (!signal.aborted) {
    await shared.clock.sleep(FACTS_MS, AbortSignal.any([signal, running.untidy.signal])).catch(() => undefined);
    if (signal.aborted) return;
    running.untidy = new AbortController();
    try {
      const gone = await tidy(running, true, signal);
      if (gone !== undefined) continue;
    } catch (error) {
      if (signal.aborted) return;
      shared.log.debug({ error }, "storage cannot be tidied now");
    }
    await shared.clock.sleep(TIDY_RETRY_MS, signal).catch(() => undefined);
    running.untidy.abort();
  }
}

/** Gives up the previous releases' copies; whether anything went. Not while something is being brought in. */
export async function makeRoom(running: Running, signal: AbortSignal): Promise<boolean> {
  return ((await tidy(running, false, signal)) ?? 0) > 0;
}

/** Removes what only one side of an app's switch needs; whether it was done. Not while something is being brought in. */
export async function giveUp(running: Running, given: GivenUp, signal: AbortSignal): Promise<boolean> {
  return (await tidy(running, true, signal, given)) !== undefined;
}

function tidy(
  running: Running,
  keepPrevious: boolean,
  signal: AbortSignal,
  givenUp?: GivenUp,
): Promise<number | undefined> {
  const options = { ...retention(running), keepPrevious, ...(givenUp && { givenUp }) };
  return running.shared.storage.tidyAway(() => tidyStorage(options, signal));
}

function retention({ shared, target }: Running) {
  const targets = Object.keys(target?.apps ?? {}).map((name) => [name, heldOf(target, name)] as const);
  const { engine, blobs, journal, log } = shared;
  return { engine, blobs, journal, log, targets: Object.fromEntries(targets) as Readonly<Record<string, Held>> };
}
