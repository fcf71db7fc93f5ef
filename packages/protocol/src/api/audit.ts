import { type Static, Type } from "typebox";
import { PageQueryMembers } from "./paging.ts";

export const Actor = Type.Object({
  kind: Type.Enum(["user", "token", "device", "rule", "system"]),
  id: Type.String(),
  name: Type.Optional(Type.String()),
});

/** One event of the log: who, what, on what, when. */
export const Event = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  at: Type.String(),
  project: Type.Union([Type.String(), Type.Null()]),
  actor: Actor,
  /** `<noun>.<past participle>`. */
  action: Type.String(),
  /** `device/<id>`, `app/<name>`, `release/<digest>`, `rollout/<id>`, … */
  subject: Type.String(),
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  hash: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});
export type Event = Static<typeof Event>;

export const EventQuery = Type.Object({
  ...PageQueryMembers,
  /** Event stream: start after this sequence number (`Last-Event-ID` wins). */
  after: Type.Optional(Type.Integer({ minimum: 0 })),
  subject: Type.Optional(Type.String({ maxLength: 300 })),
  order: Type.Optional(Type.Union([Type.Literal("asc"), Type.Literal("desc")])),
});

/** Whether the chain of hashes holds; when it does not, the first event that does not fit. */
export const AuditVerification = Type.Object({
  intact: Type.Boolean(),
  /** Events that were checked and fit. */
  count: Type.Integer({ minimum: 0 }),
  /** Hash of the last event that fits; write it down elsewhere to notice a log that was cut short. */
  head: Type.String(),
  brokenSeq: Type.Optional(Type.Integer()),
  reason: Type.Optional(Type.String()),
});
export type AuditVerification = Static<typeof AuditVerification>;
