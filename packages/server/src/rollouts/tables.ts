import type { MemberOutcome, RolloutState } from "@flotilla/protocol/api/rollouts";

export interface RolloutsTable {
  readonly project: string;
  readonly id: string;
  readonly app: string;
  /** Release digest. */
  readonly release: string;
  readonly tag: string;
  /** Canonical text. */
  readonly selector: string;
  /** JSON of `RolloutStrategy`. */
  readonly strategy: string;
  readonly state: RolloutState;
  readonly reason_code: string | null;
  readonly reason: string | null;
  /** Which devices go back to their previous release after a stop or an abort. */
  readonly put_back: "none" | "unfinished" | "all";
  /** 1 while the controller may have something to do. */
  readonly active: 0 | 1;
  /** Index of the phase that runs; null before the first. */
  readonly phase: number | null;
  readonly created_at: string;
  readonly created_by: string;
  readonly resumed_at: string | null;
  readonly ended_at: string | null;
}

/** A phase that has started. */
export interface RolloutPhasesTable {
  readonly project: string;
  readonly rollout: string;
  readonly phase: number;
  /** Devices that count and are to be started by the end of it, earlier phases included. */
  readonly reach: number;
  readonly started_at: string;
}

/** A device that a rollout reaches or has reached. `phase` is set when it is started and never changes. */
export interface RolloutMembersTable {
  readonly project: string;
  readonly rollout: string;
  readonly device: string;
  /** Hash of the device's id: the cohort order. */
  readonly rank: string;
  readonly phase: number | null;
  readonly outcome: MemberOutcome;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly started_at: string | null;
  /** When the device last said something of this app since it was started. */
  readonly heard_at: string | null;
  readonly decided_at: string | null;
  /** Release that it was assigned before; null: none. */
  readonly previous: string | null;
}

/** Tables of this feature. */
export interface RolloutTables {
  readonly rollouts: RolloutsTable;
  readonly rollout_phases: RolloutPhasesTable;
  readonly rollout_members: RolloutMembersTable;
}
