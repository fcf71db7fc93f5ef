import { type Held, samePair } from "./journal.ts";
import type { Context } from "./plan.ts";
import { planLateBack } from "./plan-late.ts";
import { bringUp, removeContainers, removeUnusedNetworks, startSteps, stopSteps } from "./plan-parts.ts";
import type { EngineContainer } from "./ports.ts";
import type { Step } from "./step.ts";
import { type Current, isOfPair, placesOf, type Survey, survey } from "./survey.ts";

/**
 * The way back from `attempt`: its containers stop, those of the committed release start again and are watched until they have proved
 * themselves, then the attempt's are removed. Works without the network, but for images that were given up: those are fetched again.
 */
export function planRestore(current: Current, context: Context, attempt: Held): readonly Step[] {
  const { committed } = context.journal;
  if (committed !== undefined && context.committedInstance === undefined && !context.committedLost)
    return [{ kind: "fetch-release", role: "committed", held: committed }];
  const { fresh, old } = sidesOf(current, context, attempt);
  const stops = stopSteps(fresh, context.attemptInstance);
  if (stops.length > 0) return stops;
  const back = context.committedInstance === undefined ? startOld(old, context) : bringBack(current, context, fresh);
  if (back.steps.length > 0) return back.steps;
  const removals = removeContainers(fresh);
  if (removals.length > 0) return removals;
  const networks = context.committedInstance === undefined && old.length > 0 ? [] : unusedNetworks(current, context);
  if (networks.length > 0) return networks;
  if (context.journal.attempt?.failure === undefined) return [{ kind: "abandon" }];
  return [{ kind: "conclude", note: back.note }];
}

function sidesOf(
  current: Current,
  context: Context,
  attempt: Held,
): { readonly fresh: readonly EngineContainer[]; readonly old: readonly EngineContainer[] } {
  const committed = context.committedInstance;
  const kept =
    committed === undefined
      ? (container: EngineContainer) => !isOfPair(container, attempt)
      : (container: EngineContainer) =>
          placesOf(committed, current).some((place) => place.container?.id === container.id);
  return {
    fresh: current.containers.filter((container) => !kept(container)),
    old: current.containers.filter((container) => kept(container)),
  };
}

interface WayBack {
  readonly steps: readonly Step[];
  /** What came of the previous release, once no step is left. */
  readonly note: string;
}

function bringBack(current: Current, context: Context, fresh: readonly EngineContainer[]): WayBack {
  const instance = context.committedInstance;
  if (instance === undefined) return { steps: [], note: "" };
  const state = survey(instance, current, { ...context, mode: "restore" });
  if (state.startable.length > 0) return { steps: startSteps(state.startable, instance), note: "" };
  if (state.failed !== undefined && state.pendingUntilMs === undefined && state.missing.length === 0)
    return { steps: [], note: failedNote(state) };
  const givenUp = context.journal.attempt?.givenUp ?? [];
  const missing = state.missing.filter(({ replica }) => context.images.has(replica.image));
  const absent = new Set(
    state.missing.map(({ replica }) => replica.image).filter((image) => !context.images.has(image)),
  );
  if (missing.length > 0 && (context.mendAllowed || missing.some(({ replica }) => givenUp.includes(replica.image))))
    return { steps: bringUp(instance, current, absent), note: "" };
  if (state.pendingUntilMs !== undefined)
    return { steps: [{ kind: "watch", instance, untilMs: state.pendingUntilMs }], note: "" };
  const wanted = new Set(givenUp.filter((image) => absent.has(image)));
  if (wanted.size > 0 && !isSuperseded(context)) return { steps: planLateBack(instance, fresh, wanted), note: "" };
  return { steps: [], note: state.good ? "the previous release was restored and runs" : failedNote(state) };
}

/** Whether a third release is wanted by now: it need not wait until what was given up is fetched again. */
function isSuperseded({ journal, target }: Context): boolean {
  return !samePair(target, journal.attempt?.target) && !samePair(target, journal.committed);
}

function failedNote(state: Survey): string {
  const { failed, missing } = state;
  if (failed !== undefined)
    return `the previous release was restored but is not healthy: service ${failed.place.service.name}: ${failed.reason}`;
  const lost = missing.map(({ service }) => service.name).join(", ");
  return lost === ""
    ? "the previous release was restored but did not start"
    : `the previous release was restored in part: containers of ${lost} are missing`;
}

/** Without the committed release at hand: what there is beside the attempt is started as it was. */
function startOld(old: readonly EngineContainer[], context: Context): WayBack {
  const finished = context.journal.committed?.finished ?? [];
  const startable = old.filter(
    ({ id, state, labels }) =>
      state === "exited" && !context.started.has(id) && !finished.includes(labels["io.flotilla.service"] ?? ""),
  );
  const note = old.length === 0 ? "there was no previous release: nothing runs" : "what ran before was started again";
  return { steps: startSteps(startable, undefined), note };
}

function unusedNetworks(current: Current, context: Context): readonly Step[] {
  return removeUnusedNetworks(current, context.committedInstance === undefined ? [] : [context.committedInstance]);
}
