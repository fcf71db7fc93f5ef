import type { Digest } from "@flotilla/base/digest";
import { type AppJournal, type Attempt, type Held, samePair } from "./journal.ts";
import type { Observations } from "./observe.ts";
import { bringImages, lateImages, planLate } from "./plan-late.ts";
import { bringUp, removeContainers, removeUnusedNetworks, startSteps, stopSteps } from "./plan-parts.ts";
import { planRestore } from "./plan-restore.ts";
import { planSteady } from "./plan-steady.ts";
import { LABELS } from "./ports.ts";
import type { Instance } from "./spec.ts";
import type { Step } from "./step.ts";
import { type Current, isOfPair, isUnfinished, placesOf, survey } from "./survey.ts";

/** An attempt that the agent itself was restarted under this often is given up: the release may be what brings the machine down. */
export const MAX_RESUMES = 5;

/** All that the plan depends on beside what the engine shows. */
export interface Context {
  readonly app: string;
  readonly journal: AppJournal;
  /** Absent: the app is to be removed. */
  readonly target: Held | undefined;
  /** The target was tried and failed, or is refused for now: what was committed goes on. */
  readonly targetBarred: boolean;
  readonly targetInstance: Instance | undefined;
  readonly committedInstance: Instance | undefined;
  readonly attemptInstance: Instance | undefined;
  /** The committed release cannot be read on this device nor fetched: its containers are known only by not being the target's. */
  readonly committedLost: boolean;
  /** Which of the instances' images the engine has. */
  readonly images: ReadonlySet<Digest>;
  readonly preflighted: boolean;
  /** This run of the agent began the attempt or has counted it. */
  readonly resumed: boolean;
  readonly observations: Observations;
  readonly nowMs: number;
  readonly started: ReadonlySet<string>;
  readonly resting: ReadonlySet<string>;
  /** How often the engine refused to start a container of what is committed, by name, and which one it was. */
  readonly refusedStarts: ReadonlyMap<string, { readonly count: number; readonly id: string }>;
  readonly revive: boolean;
  /** Containers whose `post_start` hooks this run of the agent has run. */
  readonly hooked?: ReadonlySet<string>;
  /** Mending what is committed is not backing off. */
  readonly mendAllowed: boolean;
}

/** What steps are for. `mend`: the target is reached, or barred, and what is committed is kept as it should be. */
export type Aim = "apply" | "restore" | "remove" | "mend";

export interface Plan {
  readonly aim: Aim;
  readonly steps: readonly Step[];
}

/**
 * The next steps of one app, from what is to what should be. Pure. After they ran, or one of them failed, current is read and planned
 * again; no step is left when there is nothing to do.
 */
export function plan(current: Current, context: Context): Plan {
  const { journal, target } = context;
  const unfinished = removeContainers(current.containers.filter(isUnfinished));
  if (unfinished.length > 0) return { aim: "apply", steps: unfinished };
  if (target === undefined) return { aim: "remove", steps: planRemoval(current, context) };
  if (journal.attempt !== undefined) return planAttempt(current, context, journal.attempt);
  if (samePair(journal.committed, target)) return { aim: "mend", steps: planSteady(current, context) };
  if (context.targetBarred) return { aim: "mend", steps: planBarred(current, context, target) };
  const mending = context.mendAllowed ? planSteady(current, context) : [];
  if (mending.length > 0) return { aim: "mend", steps: mending };
  return { aim: "apply", steps: planApply(current, context, target) };
}

function planAttempt(current: Current, context: Context, attempt: Attempt): Plan {
  const { target } = attempt;
  const aim = attempt.failure !== undefined || !samePair(target, context.target) ? "restore" : "apply";
  if (!context.resumed) return { aim, steps: [{ kind: "resume" }] };
  if (aim === "restore") return { aim, steps: planRestore(current, context, target) };
  return { aim, steps: planTrial(current, context, attempt) };
}

function planTrial(current: Current, context: Context, attempt: Attempt): readonly Step[] {
  if (attempt.resumes > MAX_RESUMES)
    return [
      {
        kind: "fail",
        code: "interrupted",
        reason: `the agent was stopped ${MAX_RESUMES} times while the release started`,
      },
    ];
  if (context.targetInstance === undefined) return [{ kind: "fetch-release", role: "target", held: attempt.target }];
  if (context.journal.committed !== undefined && context.committedInstance === undefined && !context.committedLost)
    return [{ kind: "fetch-release", role: "committed", held: context.journal.committed }];
  return planSwitch(current, context, context.targetInstance);
}

/** Before anything that runs is touched: release, preflight, images, networks, volumes and the new containers. */
function planApply(current: Current, context: Context, target: Held): readonly Step[] {
  const { journal, targetInstance } = context;
  if (journal.committed !== undefined && context.committedInstance === undefined && !context.committedLost)
    return [{ kind: "fetch-release", role: "committed", held: journal.committed }];
  if (targetInstance === undefined) return [{ kind: "fetch-release", role: "target", held: target }];
  if (!context.preflighted) return [{ kind: "preflight", instance: targetInstance }];
  const late = lateImages(targetInstance, context.committedInstance);
  const absent = targetInstance.images.filter(({ config }) => !context.images.has(config));
  const now = absent.filter(({ config }) => !late.has(config));
  if (now.length > 0) return bringImages(now);
  const leftovers = removeContainers(leftoversOf(current, context, targetInstance));
  if (leftovers.length > 0) return leftovers;
  const without = new Set(absent.map(({ config }) => config));
  return [...bringUp(targetInstance, current, without), { kind: "begin", held: target }];
}

/**
 * Where a service deletes before it downloads, that is done first. The old containers stop, the new ones start by their dependencies and prove themselves. Where a service starts first, its old containers go on
 * until all of its new ones have proved themselves: a crash in between finds both, and the same decision.
 */
function planSwitch(current: Current, context: Context, target: Instance): readonly Step[] {
  const late = planLate(target, current, context);
  if (late.length > 0) return late;
  const kept = new Set(placesOf(target, current).map(({ container }) => container?.id));
  const old = current.containers.filter(({ id }) => !kept.has(id));
  const overlapping = old.filter((container) => startsFirst(container, target));
  const stops = stopSteps(
    old.filter((container) => !overlapping.includes(container)),
    context.committedInstance,
  );
  if (stops.length > 0) return stops;
  const state = survey(target, current, { ...context, mode: "trial" });
  if (state.missing.length > 0) {
    const wanted = new Set(state.missing.map(({ replica }) => replica.image));
    const absent = target.images.filter(({ config }) => wanted.has(config) && !context.images.has(config));
    if (absent.length > 0) return bringImages(absent);
    return bringUp(target, current);
  }
  if (state.failed !== undefined) {
    const { place, code, reason } = state.failed;
    const containerId = place.container?.id;
    return [
      { kind: "fail", code, reason: `service ${place.service.name}: ${reason}`, ...(containerId && { containerId }) },
    ];
  }
  if (state.startable.length > 0) return startSteps(state.startable, target);
  const relieved = overlapping.filter(({ labels }) => state.proved.includes(labels[LABELS.service] ?? ""));
  const handedOver = stopSteps(relieved, context.committedInstance);
  if (handedOver.length > 0) return handedOver;
  if (state.good) return [{ kind: "commit", instance: target, finished: state.finished }];
  return [{ kind: "watch", instance: target, untilMs: state.pendingUntilMs ?? context.nowMs }];
}

/** Whether an old container's service starts its new ones beside it. */
function startsFirst({ labels }: Current["containers"][number], target: Instance): boolean {
  const service = target.services.find(({ name }) => name === labels[LABELS.service]);
  return service?.service.strategy === "start-first";
}

/** The target may not run. What is committed is mended; where nothing is, the target's own containers must not stay. */
function planBarred(current: Current, context: Context, target: Held): readonly Step[] {
  if (context.journal.committed !== undefined) return planSteady(current, context);
  const ours = current.containers.filter((container) => isOfPair(container, target));
  const rest = current.containers.filter((container) => !isOfPair(container, target));
  const containers = removeContainers(ours);
  return containers.length > 0 || rest.length > 0 ? containers : removeUnusedNetworks(current, []);
}

/** The app is not wanted any more: containers and networks go, volumes stay. */
function planRemoval(current: Current, context: Context): readonly Step[] {
  const instance = context.committedInstance ?? context.attemptInstance;
  const stops = stopSteps(current.containers, instance);
  if (stops.length > 0) return stops;
  const containers = removeContainers(current.containers);
  if (containers.length > 0) return containers;
  const networks = removeUnusedNetworks(current, []);
  if (networks.length > 0) return networks;
  return [{ kind: "forget" }];
}

/** Containers of neither the target nor what is committed. Where the committed release is unknown, none is called a leftover. */
function leftoversOf(current: Current, context: Context, target: Instance): Current["containers"] {
  const committed = context.committedInstance;
  if (committed === undefined) return current.containers.filter(({ state }) => state === "dead");
  const kept = new Set(
    [...placesOf(target, current), ...placesOf(committed, current)].map(({ container }) => container?.id),
  );
  return current.containers.filter(({ id, state }) => !kept.has(id) && state !== "removing");
}
