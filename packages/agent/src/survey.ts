import type { Dependency } from "@flotilla/compose/app";
import type { AppJournal, Held } from "./journal.ts";
import type { Observations } from "./observe.ts";
import { type EngineContainer, type EngineState, LABELS } from "./ports.ts";
import { type JudgeContext, type Judgement, judgeContainer, mayFinish } from "./probation.ts";
import type { Instance, ReplicaInstance, ServiceInstance } from "./spec.ts";

const UNFINISHED = ".unfinished";

/** Name of a container while it is being made. */
export function unfinishedName(name: string): string {
  return `${name}${UNFINISHED}`;
}

/** Whether a container was left half-made by a crash. */
export function isUnfinished(container: EngineContainer): boolean {
  return container.name.endsWith(UNFINISHED);
}

/** What the engine has of one app. */
export type Current = EngineState;

/** What a side of the plan is brought up for. */
export type Mode = "trial" | "restore" | "steady";

export interface SurveyContext {
  readonly mode: Mode;
  readonly journal: AppJournal;
  readonly observations: Observations;
  readonly nowMs: number;
  /** Containers that this run of the agent has started, or tried to, since the engine and the agent are up. */
  readonly started: ReadonlySet<string>;
  /** Containers whose next start, in steady mode, is backed off. */
  readonly resting: ReadonlySet<string>;
  /** The machine or the engine was restarted: what exited did so for that. */
  readonly revive: boolean;
  /** Containers whose `post_start` hooks this run of the agent has run. */
  readonly hooked?: ReadonlySet<string>;
}

/** One container that an instance wants, and the one that is there for it. */
export interface Place {
  readonly service: ServiceInstance;
  readonly replica: ReplicaInstance;
  readonly container: EngineContainer | undefined;
}

/** What is to be done until every container of an instance has proved itself. */
export interface Survey {
  readonly missing: readonly Place[];
  /** To be started now: their dependencies are met. In dependency order. */
  readonly startable: readonly EngineContainer[];
  readonly failed: { readonly place: Place; readonly code: string; readonly reason: string } | undefined;
  /** When something must be decided at the latest, monotonic; undefined when nothing is pending. */
  readonly pendingUntilMs: number | undefined;
  readonly good: boolean;
  /** Services whose containers have all proved themselves. */
  readonly proved: readonly string[];
  /** Services whose containers have all done their work and exited. */
  readonly finished: readonly string[];
}

/** The places of `instance` with the containers that fill them. A container fills a place when its spec is the same, whichever release made it. */
export function placesOf(instance: Instance, current: Current): readonly Place[] {
  const free = current.containers.filter(({ state }) => state !== "dead" && state !== "removing");
  return instance.services.flatMap((service) =>
    service.replicas.map((replica) => ({ service, replica, container: free.find((one) => fills(one, replica)) })),
  );
}

/** Whether `container` was made for this pair. */
export function isOfPair(container: EngineContainer, held: Pick<Held, "release" | "variablesHash">): boolean {
  return container.labels[LABELS.release] === held.release && container.labels[LABELS.variables] === held.variablesHash;
}

/** Looks at every container of `instance` and says what comes next. Pure. */
export function survey(instance: Instance, current: Current, context: SurveyContext): Survey {
  const places = placesOf(instance, current);
  const judged = new Map(places.map((place) => [place, judgePlace(place, instance, context)]));
  const isStartable = (place: Place) =>
    place.container !== undefined &&
    (owesHooks(place, instance, context) || shouldStart(place, place.container, context));
  const startable = places.filter((place) => isStartable(place) && dependenciesMet(place, places, judged, context));
  const failures = places.flatMap((place) => {
    const judgement = judged.get(place);
    return judgement?.kind === "failed" && !isStartable(place) ? [{ place, ...judgement }] : [];
  });
  const pending = [...judged.values()].flatMap((judgement) =>
    judgement?.kind === "pending" ? [judgement.untilMs] : [],
  );
  return {
    missing: places.filter(({ container }) => container === undefined),
    startable: startable.flatMap(({ container }) => (container === undefined ? [] : [container])),
    failed: failures[0],
    pendingUntilMs: pending.length === 0 ? undefined : Math.min(...pending),
    good: places.every((place) => judged.get(place)?.kind === "good"),
    proved: instance.services
      .map(({ name }) => name)
      .filter((name) => places.every((place) => place.service.name !== name || judged.get(place)?.kind === "good")),
    finished: instance.services.map(({ name }) => name).filter((name) => isFinished(name, places, judged)),
  };
}

function judgePlace(place: Place, instance: Instance, context: SurveyContext): Judgement | undefined {
  const { container } = place;
  if (container === undefined || container.state === "created") return undefined;
  const judge: JudgeContext = {
    service: place.service.service,
    completes: place.service.completes,
    observation: context.observations.of(container.id),
    nowMs: context.nowMs,
    fresh: context.mode === "trial" && isOfPair(container, instance.held),
  };
  return judgeContainer(container, judge);
}

/** Whether a container of the release on trial runs without its hooks: the agent was cut off between its start and their end. */
function owesHooks({ service, container }: Place, { held }: Instance, { mode, hooked }: SurveyContext): boolean {
  const hooks = service.service.postStart ?? [];
  if (mode !== "trial" || hooks.length === 0 || container?.state !== "running") return false;
  return isOfPair(container, held) && hooked?.has(container.id) !== true;
}

/** Whether a container that does not run is to be started: see {@link Mode}. */
function shouldStart(place: Place, container: EngineContainer, context: SurveyContext): boolean {
  const rests = context.mode === "steady" ? context.resting.has(container.id) : context.started.has(container.id);
  if (rests) return false;
  if (container.state === "created") return true;
  if (container.state !== "exited") return false;
  const { service, completes, name } = place.service;
  if (container.exitCode === 0 && mayFinish(service, completes)) {
    if (context.mode === "trial") return false;
    const done = context.journal.committed?.finished.includes(name) ?? false;
    if (done || completes) return false;
    if (context.mode === "steady") return context.revive;
  }
  return true;
}

function dependenciesMet(
  place: Place,
  places: readonly Place[],
  judged: ReadonlyMap<Place, Judgement | undefined>,
  context: SurveyContext,
): boolean {
  return Object.entries(place.service.service.dependsOn).every(([name, { condition, required }]) => {
    const others = places.filter(({ service }) => service.name === name);
    if (others.length === 0) return true;
    return others.every((other) => isMet(condition, required, { other, judgement: judged.get(other), context }));
  });
}

function isMet(
  condition: Dependency["condition"],
  required: boolean,
  of: { readonly other: Place; readonly judgement: Judgement | undefined; readonly context: SurveyContext },
): boolean {
  const { judgement, context, other } = of;
  const state = other.container?.state;
  // On the way back, and when it is not required, a dependency that failed holds nobody up.
  if (judgement?.kind === "failed" && (context.mode !== "trial" || !required)) return true;
  switch (condition) {
    case "service_started":
      return state !== undefined && state !== "created" && !(state === "exited" && shouldStartPlace(other, context));
    case "service_healthy":
      return judgement?.kind === "good";
    case "service_completed_successfully":
      return judgement?.kind === "good" && judgement.finished;
  }
}

function shouldStartPlace(place: Place, context: SurveyContext): boolean {
  return place.container !== undefined && shouldStart(place, place.container, context);
}

function isFinished(
  name: string,
  places: readonly Place[],
  judged: ReadonlyMap<Place, Judgement | undefined>,
): boolean {
  const own = places.filter(({ service }) => service.name === name);
  return own.every((place) => {
    const judgement = judged.get(place);
    return judgement?.kind === "good" && judgement.finished;
  });
}

function fills(container: EngineContainer, replica: ReplicaInstance): boolean {
  return (
    !isUnfinished(container) &&
    container.labels[LABELS.spec] === replica.specHash &&
    container.labels[LABELS.service] === replica.service &&
    container.labels[LABELS.replica] === String(replica.replica)
  );
}
