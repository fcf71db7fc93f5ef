import type { MemberOutcome, RolloutState, RolloutStrategy } from "@flotilla/protocol/api/rollouts";
import { stopReason } from "./stop-rules.ts";

/** A rollout as the planner sees it. Times are milliseconds of the server's clock. */
export interface PlannedRollout {
  readonly state: RolloutState;
  readonly strategy: RolloutStrategy;
  /** Index of the phase that runs, undefined before the first. */
  readonly phase: number | undefined;
  /** Reach of each phase that has started. */
  readonly reach: readonly number[];
  /** Which devices go back once it has stopped or was aborted. */
  readonly putBack: "none" | "unfinished" | "all";
}

/** A device of a rollout and what became of it. */
export interface Member {
  readonly device: string;
  /** The cohort order. */
  readonly rank: string;
  /** Set when it was started, never changed. */
  readonly phase: number | undefined;
  readonly outcome: MemberOutcome;
  readonly startedAt: number | undefined;
  /** When the device last said something of the app since it was started. */
  readonly heardAt: number | undefined;
}

export interface PlanTime {
  readonly now: number;
  /** Silence before this does not count: the server was down, or the rollout was paused. */
  readonly listeningSince: number;
}

/** What to do next. Applying a decision, or half of it, and planning again goes on where it stood. */
export type Decision =
  | { readonly kind: "start-phase"; readonly phase: number; readonly reach: number }
  | { readonly kind: "start-devices"; readonly phase: number; readonly devices: readonly string[] }
  | {
      readonly kind: "expire";
      readonly outcome: "left-out" | "failed";
      readonly code: "never-heard" | "fell-silent" | "too-slow";
      readonly devices: readonly string[];
    }
  | { readonly kind: "stop"; readonly code: string; readonly message: string }
  | { readonly kind: "put-back"; readonly devices: readonly string[] }
  | { readonly kind: "finish" }
  /** Nothing is left to do, ever. */
  | { readonly kind: "rest" };

/** A device that keeps talking but does not end has failed after this many deadlines. */
export const SLOW_DEADLINES = 8;

/**
 * What a rollout does next, from what became of its devices so far; pure. A phase passes when the threshold holds whatever becomes of its pending
 * devices, so that a few offline ones hold up nobody; the last phase waits for all of them, each at most to its deadline.
 */
export function plan(rollout: PlannedRollout, members: readonly Member[], time: PlanTime): readonly Decision[] {
  switch (rollout.state) {
    case "preparing":
    case "paused":
      return [];
    case "finished":
      return [{ kind: "rest" }];
    case "stopped":
    case "aborted":
      return planPutBack(rollout, members);
    case "running":
      return planRunning(rollout, members, time);
  }
}

function planRunning(rollout: PlannedRollout, members: readonly Member[], time: PlanTime): readonly Decision[] {
  const expired = expire(rollout.strategy, members, time);
  if (expired.length > 0) return expired;
  const next = rollout.phase === undefined ? [] : missing(rollout, rollout.phase, members);
  const stop = stopReason(rollout, members, next.length);
  if (stop !== undefined) return [{ kind: "stop", ...stop }];
  if (rollout.phase === undefined) return [startPhase(rollout, 0, members)];
  if (next.length > 0) return [{ kind: "start-devices", phase: rollout.phase, devices: next }];
  const last = rollout.phase === rollout.strategy.phases.length - 1;
  if (last) return members.some((member) => member.outcome === "pending") ? [] : [{ kind: "finish" }];
  return passes(rollout, rollout.phase, members) ? [startPhase(rollout, rollout.phase + 1, members)] : [];
}

function startPhase(rollout: PlannedRollout, phase: number, members: readonly Member[]): Decision {
  const total = members.filter(({ outcome }) => outcome !== "superseded" && outcome !== "gone").length;
  const size = sizeOf(rollout.strategy.phases[phase] ?? "100%", total);
  return { kind: "start-phase", phase, reach: Math.max(size, rollout.reach.at(-1) ?? 0) };
}

/** Devices that a phase of this size reaches, of `total`. */
export function sizeOf(size: string, total: number): number {
  if (!size.endsWith("%")) return Math.min(total, Number(size));
  return Math.min(total, Math.max(0, Math.ceil((total * Number(size.slice(0, -1))) / 100 - 1e-9)));
}

/** Devices to start so that the phase has its reach, in cohort order. Those left out, superseded or gone do not count: others take their place. */
function missing(rollout: PlannedRollout, phase: number, members: readonly Member[]): readonly string[] {
  const need = (rollout.reach[phase] ?? 0) - members.filter(counts).length;
  if (need <= 0) return [];
  return members
    .filter(({ outcome }) => outcome === "waiting")
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, need)
    .map(({ device }) => device);
}

function counts({ outcome }: Member): boolean {
  return outcome === "pending" || outcome === "committed" || outcome === "failed";
}

function passes(rollout: PlannedRollout, phase: number, members: readonly Member[]): boolean {
  const counted = members.filter((member) => member.phase === phase && counts(member));
  const committed = counted.filter(({ outcome }) => outcome === "committed").length;
  return (
    committed >= rollout.strategy.successThreshold * counted.length - 1e-9 && (committed > 0 || counted.length === 0)
  );
}

function expire(strategy: RolloutStrategy, members: readonly Member[], time: PlanTime): readonly Decision[] {
  const deadlineMs = strategy.deadlineSeconds * 1000;
  const late = { never: [] as string[], silent: [] as string[], slow: [] as string[] };
  for (const member of members) {
    if (member.outcome !== "pending") continue;
    const startedAt = Math.max(member.startedAt ?? 0, time.listeningSince);
    if (time.now - Math.max(startedAt, member.heardAt ?? 0) >= deadlineMs)
      (member.heardAt === undefined ? late.never : late.silent).push(member.device);
    else if (time.now - startedAt >= SLOW_DEADLINES * deadlineMs) late.slow.push(member.device);
  }
  const decisions: readonly Decision[] = [
    { kind: "expire", outcome: "left-out", code: "never-heard", devices: late.never },
    { kind: "expire", outcome: "failed", code: "fell-silent", devices: late.silent },
    { kind: "expire", outcome: "failed", code: "too-slow", devices: late.slow },
  ];
  return decisions.filter((decision) => decision.kind === "expire" && decision.devices.length > 0);
}

/**
 * `unfinished`: those that have the release before them but no word on it yet. Devices that failed restored themselves and remember it; they go
 * back only with `all`.
 */
function planPutBack(rollout: PlannedRollout, members: readonly Member[]): readonly Decision[] {
  const outcomes: readonly MemberOutcome[] =
    rollout.putBack === "none"
      ? []
      : rollout.putBack === "unfinished"
        ? ["pending", "left-out"]
        : ["pending", "left-out", "committed", "failed"];
  const devices = members.filter(({ outcome }) => outcomes.includes(outcome)).map(({ device }) => device);
  return devices.length === 0 ? [{ kind: "rest" }] : [{ kind: "put-back", devices }];
}
