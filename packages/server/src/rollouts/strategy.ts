import { CodedError } from "@flotilla/base/errors";
import type { CreateRolloutRequest, RolloutStrategy } from "@flotilla/protocol/api/rollouts";

/**
 * What a rollout does unless it is told otherwise: one device, a tenth, all. `hold` after a stop, because a device on which the release failed has restored
 * itself, and one on which it proved healthy is better left alone than changed twice.
 */
export const DEFAULT_STRATEGY: RolloutStrategy = {
  phases: ["1", "10%", "100%"],
  successThreshold: 0.95,
  firstPhaseFailures: 1,
  failureRate: 0.1,
  deadlineSeconds: 3600,
  onStop: "hold",
};

/** The strategy of a request with its defaults; throws `phases-invalid`. */
export function strategyOf(request: CreateRolloutRequest): RolloutStrategy {
  const phases = request.phases ?? DEFAULT_STRATEGY.phases;
  checkPhases(phases);
  return {
    phases: [...phases],
    successThreshold: request.successThreshold ?? DEFAULT_STRATEGY.successThreshold,
    firstPhaseFailures: request.firstPhaseFailures ?? DEFAULT_STRATEGY.firstPhaseFailures,
    failureRate: request.failureRate ?? DEFAULT_STRATEGY.failureRate,
    deadlineSeconds: request.deadlineSeconds ?? DEFAULT_STRATEGY.deadlineSeconds,
    onStop: request.onStop ?? DEFAULT_STRATEGY.onStop,
  };
}

function checkPhases(phases: readonly string[]): void {
  if (phases.at(-1) !== "100%")
    throw new CodedError("phases-invalid", "the last phase must be 100%, for example 1,10%,100%");
  let part = 0;
  let count = 0;
  for (const size of phases) {
    const number = Number.parseFloat(size);
    if (number === 0) throw new CodedError("phases-invalid", `a phase of ${size} reaches no device`);
    const grows = size.endsWith("%") ? number > part : number > count;
    if (!grows)
      throw new CodedError("phases-invalid", `phases are sizes that grow; ${size} is not more than before it`);
    if (size.endsWith("%")) part = number;
    else count = number;
  }
}
