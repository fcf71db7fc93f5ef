import type { Member, PlannedRollout } from "./plan.ts";

/** Fewer known outcomes than this say nothing about a rate. */
export const LEAST_SAMPLE = 20;

export interface StopReason {
  readonly code: "failures-in-first-phase" | "below-threshold" | "failure-rate";
  readonly message: string;
}

/**
 * Why a rollout must stop now, or undefined. The count and the threshold are judged by what no later outcome can mend. The rate is judged
 * over devices in the order they were started, up to the first whose outcome is unknown: failures are quicker than successes, and
 * counting them as they come in would stop good releases. `toStart` devices of the running phase are still to be started.
 */
export function stopReason(
  rollout: PlannedRollout,
  members: readonly Member[],
  toStart: number,
): StopReason | undefined {
  if (rollout.phase === undefined) return undefined;
  return (
    firstPhase(rollout, members) ?? belowThreshold(rollout, rollout.phase, members, toStart) ?? rate(rollout, members)
  );
}

function firstPhase({ strategy }: PlannedRollout, members: readonly Member[]): StopReason | undefined {
  const failed = members.filter(({ phase, outcome }) => phase === 0 && outcome === "failed").length;
  if (failed < strategy.firstPhaseFailures) return undefined;
  return { code: "failures-in-first-phase", message: `${count(failed)} of the first phase failed` };
}

function belowThreshold(
  { strategy }: PlannedRollout,
  current: number,
  members: readonly Member[],
  toStart: number,
): StopReason | undefined {
  for (let phase = 0; phase <= current; phase++) {
    const of = members.filter((member) => member.phase === phase);
    const failed = of.filter(({ outcome }) => outcome === "failed").length;
    const open = of.filter(({ outcome }) => outcome === "pending" || outcome === "committed").length;
    const total = failed + open + (phase === current ? toStart : 0);
    if (failed > 0 && failed > (1 - strategy.successThreshold) * total + 1e-9)
      return {
        code: "below-threshold",
        message: `${count(failed)} of ${total} in phase ${phase + 1} failed; ${percent(strategy.successThreshold)} must commit`,
      };
  }
  return undefined;
}

function rate({ strategy }: PlannedRollout, members: readonly Member[]): StopReason | undefined {
  let known = 0;
  let failed = 0;
  for (const { outcome } of inStartOrder(members)) {
    if (outcome === "pending") return undefined;
    if (outcome !== "committed" && outcome !== "failed") continue;
    known++;
    if (outcome === "failed") failed++;
    if (known >= LEAST_SAMPLE && failed > strategy.failureRate * known + 1e-9)
      return {
        code: "failure-rate",
        message: `${count(failed)} of the first ${known} failed; ${percent(strategy.failureRate)} may`,
      };
  }
  return undefined;
}

function inStartOrder(members: readonly Member[]): readonly Member[] {
  return members
    .filter(({ phase }) => phase !== undefined)
    .sort(
      (a, b) =>
        (a.phase ?? 0) - (b.phase ?? 0) ||
        (a.startedAt ?? 0) - (b.startedAt ?? 0) ||
        (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0),
    );
}

function count(devices: number): string {
  return devices === 1 ? "1 device" : `${devices} devices`;
}

function percent(part: number): string {
  return `${Math.round(part * 1000) / 10} %`;
}
