import { createHash } from "node:crypto";
import type { RolloutStrategy } from "@flotilla/protocol/api/rollouts";
import { type Decision, type Member, type PlannedRollout, plan } from "./plan.ts";

/** What a simulated device does with a release once it has it. */
export interface Behaviour {
  readonly kind: "commit" | "fail" | "offline" | "silent";
  /** Milliseconds from start to outcome. */
  readonly latencyMs: number;
}

export interface Simulated {
  readonly rollout: PlannedRollout;
  readonly members: ReadonlyMap<string, Member>;
  readonly log: readonly { readonly at: number; readonly decision: Decision }[];
  readonly stopCode: string | undefined;
  readonly endedAt: number;
}

export interface SimulateOptions {
  readonly strategy: RolloutStrategy;
  readonly behaviours: readonly Behaviour[];
  /** The controller looks this often. */
  readonly tickMs: number;
  readonly maxTicks?: number;
  /** Applies only a part of each list of devices, as a crash in the middle does. In [0, 1). */
  readonly interrupt?: () => number | undefined;
  /** Stops after this time, as a person who aborts and restores. */
  readonly abortAtMs?: number;
}

/** A generator of numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Runs the planner over a fleet of simulated devices until it rests, finishes, or the ticks are used up. */
export function simulate(options: SimulateOptions): Simulated {
  const members = new Map<string, Member>();
  const behaviours = new Map<string, Behaviour>();
  for (const [index, behaviour] of options.behaviours.entries()) {
    const device = `device-${index}`;
    const rank = createHash("sha256").update(device).digest("hex");
    behaviours.set(device, behaviour);
    members.set(device, {
      device,
      rank,
      phase: undefined,
      outcome: "waiting",
      startedAt: undefined,
      heardAt: undefined,
    });
  }
  const state: State = {
    rollout: { state: "running", strategy: options.strategy, phase: undefined, reach: [], putBack: "none" },
    members,
    stopCode: undefined,
    log: [],
  };
  let now = 0;
  for (let tick = 0; tick < (options.maxTicks ?? 100_000); tick++) {
    if (options.abortAtMs !== undefined && now >= options.abortAtMs && state.rollout.state === "running")
      state.rollout = { ...state.rollout, state: "aborted", putBack: "all" };
    live(members, behaviours, now);
    if (decide(state, options, now)) break;
    now += options.tickMs;
  }
  return { ...state, endedAt: now };
}

interface State {
  rollout: PlannedRollout;
  readonly members: Map<string, Member>;
  readonly log: { at: number; decision: Decision }[];
  stopCode: string | undefined;
}

/** Devices report what became of them. */
function live(members: Map<string, Member>, behaviours: ReadonlyMap<string, Behaviour>, now: number): void {
  for (const member of members.values()) {
    const behaviour = behaviours.get(member.device);
    if (member.outcome !== "pending" || member.startedAt === undefined || behaviour === undefined) continue;
    if (behaviour.kind === "offline") continue;
    const heard = { ...member, heardAt: member.heardAt ?? now };
    const done = now - member.startedAt >= behaviour.latencyMs && behaviour.kind !== "silent";
    members.set(
      member.device,
      done ? { ...heard, heardAt: now, outcome: behaviour.kind === "commit" ? "committed" : "failed" } : heard,
    );
  }
}

/** Plans and applies until nothing more is to be done now; true when nothing will ever be. */
function decide(state: State, options: SimulateOptions, now: number): boolean {
  for (let round = 0; round < 1000; round++) {
    const decisions = plan(state.rollout, [...state.members.values()], { now, listeningSince: 0 });
    if (decisions.length === 0) return false;
    for (const decision of decisions) {
      state.log.push({ at: now, decision });
      if (decision.kind === "rest") return true;
      apply(state, decision, options, now);
    }
  }
  throw new Error("the planner does not come to rest");
}

function apply(state: State, decision: Exclude<Decision, { kind: "rest" }>, options: SimulateOptions, now: number) {
  const set = (devices: readonly string[], change: Partial<Member>) => {
    const part = options.interrupt?.();
    const some = part === undefined ? devices : devices.slice(0, Math.max(1, Math.floor(devices.length * part)));
    for (const device of some) state.members.set(device, { ...(state.members.get(device) as Member), ...change });
  };
  switch (decision.kind) {
    case "start-phase":
      state.rollout = {
        ...state.rollout,
        phase: decision.phase,
        reach: [...state.rollout.reach, decision.reach],
      };
      return;
    case "start-devices":
      return set(decision.devices, { phase: decision.phase, outcome: "pending", startedAt: now });
    case "expire":
      return set(decision.devices, { outcome: decision.outcome });
    case "put-back":
      return set(decision.devices, { outcome: "put-back" });
    case "stop":
      state.stopCode = decision.code;
      state.rollout = {
        ...state.rollout,
        state: "stopped",
        putBack: state.rollout.strategy.onStop === "restore" ? "all" : "unfinished",
      };
      return;
    case "finish":
      state.rollout = { ...state.rollout, state: "finished" };
  }
}
