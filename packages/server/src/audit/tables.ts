/** One event; the chain runs over `seq`, which has no gaps. Append-only: the database itself refuses changes. */
export interface EventsTable {
  readonly seq: number;
  readonly at: string;
  /** Name of the project; null for what concerns the whole server. */
  readonly project: string | null;
  readonly actor_kind: "user" | "token" | "device" | "rule" | "system";
  readonly actor_id: string;
  readonly actor_name: string | null;
  readonly action: string;
  readonly subject: string;
  /** Canonical JSON, or null. */
  readonly data: string | null;
  readonly hash: string;
}

/** Tables of this feature. */
export interface AuditTables {
  readonly events: EventsTable;
}
