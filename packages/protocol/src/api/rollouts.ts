import { type Static, Type } from "typebox";
import { AppName, DigestText } from "../target.ts";
import { SelectorText } from "./devices.ts";
import { Page, PageQueryMembers } from "./paging.ts";

/** Schemas of the routes `/api/v1/projects/:project/rollouts…` and `…/assignments`. */

const Instant = Type.String({ maxLength: 40 });
const Id = Type.String({ maxLength: 64 });
const ProjectName = Type.String({ maxLength: 100 });
const Count = Type.Integer({ minimum: 0 });
const Percentage = Type.Number({ minimum: 0, maximum: 1 });
/** Digest or tag (`r3`). */
const ReleaseRef = Type.String({ minLength: 1, maxLength: 80 });

export const RolloutParams = Type.Object({ project: ProjectName, rollout: Id });

/** How many devices have the release when the phase is done, earlier phases included: `3`, `10%`, `2.5%`. */
export const PhaseSize = Type.String({ pattern: "^(?:[1-9][0-9]{0,6}|(?:100|[1-9]?[0-9](?:\\.[0-9]{1,3})?)%)$" });

export const RolloutStrategy = Type.Object({
  /** Sizes that grow; the last is `100%`. */
  phases: Type.Array(PhaseSize, { minItems: 1, maxItems: 20 }),
  /** Part of a phase's devices that must commit before the next phase starts. Default 0.95. */
  successThreshold: Percentage,
  /** This many failed devices in the first phase stop the rollout. Default 1. */
  firstPhaseFailures: Type.Integer({ minimum: 1 }),
  /** The rollout stops when more than this part has failed of the first devices, in the order they were started, whose outcome is known. Default 0.1. */
  failureRate: Percentage,
  /**
   * How long a phase waits for a device without hearing news of the app. Then one that never took the release up (it is offline) is left out of
   * the count and replaced by another; one that began and fell silent has failed. Default 3600.
   */
  deadlineSeconds: Type.Integer({ minimum: 10, maximum: 30 * 86_400 }),
  /** After an automatic stop: `hold` leaves committed devices on the new release, `restore` puts them back too. Default `hold`. */
  onStop: Type.Enum(["hold", "restore"]),
});
export type RolloutStrategy = Static<typeof RolloutStrategy>;

export const CreateRolloutRequest = Type.Object(
  {
    app: AppName,
    release: ReleaseRef,
    /** Empty: every device of the project. */
    selector: Type.Optional(SelectorText),
    ...Type.Partial(RolloutStrategy).properties,
  },
  { additionalProperties: false },
);
export type CreateRolloutRequest = Static<typeof CreateRolloutRequest>;

/**
 * Devices by outcome. `waiting`: not started. `pending`: given the release, no outcome yet. `committed`, `failed`. `left-out`: offline beyond
 * the deadline. `superseded`: a later rollout, or a person, gave it another release. `put-back`: the rollout gave it its previous
 * release again. `gone`: deleted or revoked.
 */
export const OUTCOMES = [
  "waiting",
  "pending",
  "committed",
  "failed",
  "left-out",
  "superseded",
  "put-back",
  "gone",
] as const;
export const MemberOutcome = Type.Enum([...OUTCOMES]);
export type MemberOutcome = (typeof OUTCOMES)[number];

export const OutcomeCounts = Type.Object({
  waiting: Count,
  pending: Count,
  committed: Count,
  failed: Count,
  "left-out": Count,
  superseded: Count,
  "put-back": Count,
  gone: Count,
});
export type OutcomeCounts = Static<typeof OutcomeCounts>;

export const ROLLOUT_STATES = ["preparing", "running", "paused", "stopped", "aborted", "finished"] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export const RolloutPhase = Type.Object({
  size: Type.String(),
  /** Devices that the phase reaches up to, earlier phases included; known once it started. */
  reach: Type.Optional(Count),
  startedAt: Type.Optional(Instant),
  counts: OutcomeCounts,
});
export type RolloutPhase = Static<typeof RolloutPhase>;

export const Rollout = Type.Object({
  id: Id,
  app: AppName,
  release: DigestText,
  tag: Type.String(),
  selector: SelectorText,
  strategy: RolloutStrategy,
  /** `stopped`: by its own rules. `aborted`: by a person. */
  state: Type.Enum([...ROLLOUT_STATES]),
  /** Why it stopped, was paused or aborted. */
  reason: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
  /** Index into `phases`; absent before the first has started. */
  phase: Type.Optional(Count),
  phases: Type.Array(RolloutPhase),
  counts: OutcomeCounts,
  createdAt: Instant,
  createdBy: Type.String(),
  endedAt: Type.Optional(Instant),
});
export type Rollout = Static<typeof Rollout>;
export const RolloutList = Page(Rollout);
export type RolloutList = Static<typeof RolloutList>;

export const RolloutListQuery = Type.Object({ app: Type.Optional(AppName), ...PageQueryMembers });
export type RolloutListQuery = Static<typeof RolloutListQuery>;

/** A device's part in a rollout. */
export const RolloutDevice = Type.Object({
  device: Id,
  name: Type.String(),
  phase: Type.Optional(Count),
  outcome: MemberOutcome,
  /** The device's or the server's reason, e.g. code `unhealthy`, `variables-missing`, `fell-silent`. */
  reason: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
  startedAt: Type.Optional(Instant),
  decidedAt: Type.Optional(Instant),
  /** What it was assigned before. */
  previous: Type.Optional(DigestText),
});
export type RolloutDevice = Static<typeof RolloutDevice>;
export const RolloutDeviceList = Page(RolloutDevice);
export type RolloutDeviceList = Static<typeof RolloutDeviceList>;
export const RolloutDeviceQuery = Type.Object({ outcome: Type.Optional(MemberOutcome), ...PageQueryMembers });
export type RolloutDeviceQuery = Static<typeof RolloutDeviceQuery>;

/** `POST …/rollouts/:rollout/abort`. `restore` (default true) puts every device that it changed back to the release it had. */
export const AbortRolloutRequest = Type.Object(
  { restore: Type.Optional(Type.Boolean()), message: Type.Optional(Type.String({ maxLength: 300 })) },
  { additionalProperties: false },
);
export type AbortRolloutRequest = Static<typeof AbortRolloutRequest>;
/** `POST …/rollouts/:rollout/pause`. */
export const PauseRolloutRequest = Type.Object(
  { message: Type.Optional(Type.String({ maxLength: 300 })) },
  { additionalProperties: false },
);
export type PauseRolloutRequest = Static<typeof PauseRolloutRequest>;

/** What a device (`device`) or, for those that join later, a set of devices (`selector`) should run of an app. */
export const Assignment = Type.Object({
  app: AppName,
  release: DigestText,
  device: Type.Optional(Id),
  selector: Type.Optional(SelectorText),
  source: Type.Enum(["pin", "rollout", "settled"]),
  rollout: Type.Optional(Id),
  assignedAt: Instant,
});
export type Assignment = Static<typeof Assignment>;
export const AssignmentList = Page(Assignment);
export type AssignmentList = Static<typeof AssignmentList>;
/** Without `device`: the standing assignments of selectors. With it: those of the device (id or name). */
export const AssignmentListQuery = Type.Object({
  device: Type.Optional(Type.String({ maxLength: 100 })),
  app: Type.Optional(AppName),
  ...PageQueryMembers,
});
export type AssignmentListQuery = Static<typeof AssignmentListQuery>;

/**
 * `PUT …/assignments`: exactly one of `device` (id or name; pinned: no rollout moves it) and `selector` (given at once to all that match and are
 * not pinned, and to those that join later; a rollout may move them).
 */
export const SetAssignmentRequest = Type.Object(
  {
    app: AppName,
    release: ReleaseRef,
    device: Type.Optional(Type.String({ maxLength: 100 })),
    selector: Type.Optional(SelectorText),
  },
  { additionalProperties: false },
);
export type SetAssignmentRequest = Static<typeof SetAssignmentRequest>;

/** `DELETE …/assignments`: devices fall back to what was settled for a selector they match, else the app is taken off them. */
export const DeleteAssignmentQuery = Type.Object({
  app: AppName,
  device: Type.Optional(Type.String({ maxLength: 100 })),
  selector: Type.Optional(SelectorText),
});
export type DeleteAssignmentQuery = Static<typeof DeleteAssignmentQuery>;
