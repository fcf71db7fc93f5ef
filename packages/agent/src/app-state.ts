import type { AppPhase, AppState, ContainerState, Verdict } from "@flotilla/protocol/device";
import { type Committed, type Held, samePair } from "./journal.ts";
import { type EngineContainer, LABELS } from "./ports.ts";
import type { Session } from "./session.ts";
import type { Instance } from "./spec.ts";
import { type Current, placesOf } from "./survey.ts";

const MAX_CONTAINERS = 500;

export interface AppView {
  readonly session: Session;
  readonly current: Current;
  /** The engine does not answer: what it said last is not what is. */
  readonly engineDown: boolean;
  readonly target: Held | undefined;
  readonly committed: Committed | undefined;
  readonly committedInstance: Instance | undefined;
  readonly verdict: Verdict | undefined;
}

/** What is reported of an app: what the engine says, and of the journal only what the engine bears out. */
export function appStateOf(view: AppView): AppState {
  const { session, target, committed, verdict } = view;
  const runs = committed !== undefined && !view.engineDown && isRunning(view.committedInstance, view.current);
  const phase: AppPhase = view.engineDown ? "waiting" : session.phase;
  const moving = phase !== "idle" && target !== undefined && !(samePair(committed, target) && runs);
  return {
    ...(runs ? { release: committed.release, variablesHash: committed.variablesHash } : {}),
    phase,
    ...(moving ? { target: target.release } : {}),
    ...(session.progress === undefined ? {} : { progress: session.progress }),
    ...(verdict === undefined ? {} : { verdict }),
    containers: view.current.containers.slice(0, MAX_CONTAINERS).map((one) => containerState(one, view.engineDown)),
  };
}

/** Whether every container of `instance` is there and runs, or has done its work. */
function isRunning(instance: Instance | undefined, current: Current): boolean {
  if (instance === undefined) return false;
  return placesOf(instance, current).every(({ container }) => {
    if (container === undefined) return false;
    return container.state === "running" || (container.state === "exited" && container.exitCode === 0);
  });
}

function containerState(container: EngineContainer, engineDown: boolean): ContainerState {
  const replica = Number(container.labels[LABELS.replica]);
  return {
    service: container.labels[LABELS.service] ?? "",
    replica: Number.isSafeInteger(replica) && replica > 0 ? replica : 1,
    containerId: container.id,
    image: container.image,
    state: engineDown ? "unknown" : container.state,
    health: engineDown ? "none" : container.health,
    restarts: container.restarts,
    ...(container.exitCode === undefined ? {} : { exitCode: container.exitCode }),
  };
}
