/** What a device should run of an app. */
export interface AssignmentsTable {
  readonly project: string;
  readonly device: string;
  readonly app: string;
  /** Release digest. */
  readonly release: string;
  /** `pin`: a person, for this device. `rollout`: a rollout. `settled`: what stands for a selector that the device matches. */
  readonly source: "pin" | "rollout" | "settled";
  readonly rollout: string | null;
  /** The release that it is put back to when the rollout is undone; null: it had none. */
  readonly previous: string | null;
  readonly assigned_at: string;
}

/** What devices get that join a selector later: the release of the last rollout that finished there. */
export interface SettlementsTable {
  readonly project: string;
  readonly app: string;
  /** Canonical text. */
  readonly selector: string;
  readonly release: string;
  readonly rollout: string | null;
  readonly settled_at: string;
}

/** Tables of this feature. */
export interface AssignmentTables {
  readonly assignments: AssignmentsTable;
  readonly settlements: SettlementsTable;
}
