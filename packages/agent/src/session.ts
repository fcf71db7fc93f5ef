import type { Clock } from "@flotilla/base/clock";
import type { Log } from "@flotilla/base/log";
import type { AppPhase } from "@flotilla/protocol/device";
import type { Held, Journal } from "./journal.ts";
import { createObservations, type Observations } from "./observe.ts";
import type { Blobs, Engine, Fetcher, Host } from "./ports.ts";
import type { Refusal } from "./preflight.ts";
import type { GivenUp } from "./retention.ts";
import type { Instance } from "./spec.ts";
import type { StorageLock } from "./storage-lock.ts";

/** What the work on every app shares. */
export interface Shared {
  readonly engine: Engine;
  readonly blobs: Blobs;
  readonly fetcher: Fetcher;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly storage: StorageLock;
  /** Says that releases were settled, so that what nobody needs may go. */
  readonly releasesSettled: () => void;
  /** Removes the previous releases' copies to make room; whether anything went. */
  readonly makeRoom: (signal: AbortSignal) => Promise<boolean>;
  /** Removes what only one side of an app's switch needs; false, without doing it, while something is being brought in. */
  readonly giveUp: (given: GivenUp, signal: AbortSignal) => Promise<boolean>;
}

/** A target that waits: it failed for a reason that may pass (`untilMs`), or for good (`untilMs` infinite). */
export interface Hold {
  readonly pair: string;
  readonly failures: number;
  /** Monotonic. */
  readonly untilMs: number;
  readonly refusal?: Refusal;
}

/** What this run of the agent knows of one app beyond journal and engine. All of it may be lost without harm. */
export interface Session {
  readonly app: string;
  readonly instances: Map<string, Instance>;
  readonly observations: Observations;
  /** Containers started, or tried to, in this attempt or way back. */
  readonly started: Set<string>;
  /** Containers whose `post_start` hooks were run after their last start. */
  readonly hooked: Set<string>;
  /** How often containers were started again since they last ran for a while, and until when they rest. */
  readonly rests: Map<string, { readonly count: number; readonly untilMs: number }>;
  /** Containers of what is committed that the engine refuses to start, by name. */
  readonly refusedStarts: Map<string, { readonly count: number; readonly id: string }>;
  preflighted: string | undefined;
  hold: Hold | undefined;
  resumed: boolean;
  revive: boolean;
  /** Back-off of mending what is committed. */
  mend: { readonly failures: number; readonly untilMs: number };
  /** Until then the committed release is taken as unreadable. */
  committedLostUntilMs: number;
  progress: { readonly doneBytes: number; readonly totalBytes: number } | undefined;
  phase: AppPhase;
}

export function createSession(app: string): Session {
  return {
    app,
    instances: new Map(),
    observations: createObservations(),
    started: new Set(),
    hooked: new Set(),
    rests: new Map(),
    refusedStarts: new Map(),
    preflighted: undefined,
    hold: undefined,
    resumed: false,
    revive: false,
    mend: { failures: 0, untilMs: 0 },
    committedLostUntilMs: 0,
    progress: undefined,
    phase: "waiting",
  };
}

/** Key of a pair in memory. */
export function pairKey(held: Pick<Held, "release" | "variablesHash">): string {
  return `${held.release} ${held.variablesHash}`;
}

/** The surroundings of one step. */
export interface StepContext extends Shared {
  readonly session: Session;
  readonly signal: AbortSignal;
  /** Whether this mends what is committed, and does not bring in a target. */
  readonly settled: boolean;
  /** Something changed that others should see: progress, a phase. */
  readonly publish: () => void;
  /** Resolves at the next change of a container, a new target, or when `ms` have passed. */
  readonly pause: (ms: number) => Promise<void>;
}

/** The target cannot be run for now or at all; nothing that runs was touched. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(refusal.reason, options);
    this.name = "RefusedError";
    this.refusal = refusal;
  }
}
