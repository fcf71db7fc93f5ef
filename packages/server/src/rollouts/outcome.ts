import type { AppProblem } from "@flotilla/protocol/api/devices";
import type { MemberOutcome } from "@flotilla/protocol/api/rollouts";
import type { AppState } from "@flotilla/protocol/device";

/** What the server knows of one app of one device. */
export interface AppEvidence {
  /** What the device's last target says, if it names the app. */
  readonly target?: { readonly release: string; readonly variablesHash: string };
  /** Why the target does not have what was assigned. */
  readonly problem?: AppProblem;
  /** What the device last said. */
  readonly state?: AppState;
}

export interface Observed {
  readonly outcome: "pending" | "committed" | "failed";
  readonly code?: string;
  readonly reason?: string;
  /** The device has begun with the release. */
  readonly heard: boolean;
}

/** Codes of failures that the server itself stated for want of news; a device's final word overrides them, a sign of life does not. */
const STATED_BY_SERVER: readonly (string | null)[] = ["fell-silent", "too-slow"];

/** What became of `release` on a device. A verdict counts only for the variables that the device has now. */
export function observe(release: string, { target, problem, state }: AppEvidence): Observed {
  if (problem?.release === release)
    return { outcome: "failed", code: problem.code, reason: problem.message, heard: true };
  if (target?.release !== release || state === undefined) return { outcome: "pending", heard: false };
  const { verdict } = state;
  const runs = state.release === release && state.variablesHash === target.variablesHash;
  if (verdict?.release === release && verdict.variablesHash === target.variablesHash)
    return verdict.kind === "commit"
      ? { outcome: "committed", heard: true }
      : { outcome: "failed", code: verdict.code, reason: verdict.reason, heard: true };
  if (runs && state.phase === "idle") return { outcome: "committed", heard: true };
  return { outcome: "pending", heard: runs || state.target === release };
}

/** Whether what was observed changes what a rollout holds of a device. What was decided stays until the device has a word against it. */
export function changes(
  held: { readonly outcome: MemberOutcome; readonly reasonCode: string | null },
  observed: Observed,
): boolean {
  switch (held.outcome) {
    case "pending":
      return true;
    case "failed":
      return observed.outcome !== "pending" || !STATED_BY_SERVER.includes(held.reasonCode);
    case "committed":
      return observed.outcome === "failed";
    case "left-out":
      return observed.outcome !== "pending";
    case "waiting":
    case "superseded":
    case "put-back":
    case "gone":
      return false;
  }
}
