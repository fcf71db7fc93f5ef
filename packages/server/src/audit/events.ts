import { createHash } from "node:crypto";
import { canonicalJson } from "@flotilla/base/canonical-json";
import type { Clock } from "@flotilla/base/clock";
import { toInstant } from "@flotilla/base/clock";
import type { Selectable, Transaction } from "kysely";
import type { Bus } from "../bus.ts";
import type { Database } from "../store/database.ts";
import type { Tables } from "../store/tables.ts";
import type { EventsTable } from "./tables.ts";

/** Who did it. */
export interface Actor {
  readonly kind: "user" | "token" | "device" | "rule" | "system";
  /** Id of the user, token or device, name of the rule. */
  readonly id: string;
  /** For people: an e-mail address or a name as it was then. */
  readonly name?: string;
}

/** What happened. `action` is `<noun>.<past participle>`: `release.created`, `device.enrolled`, `rollout.stopped`. */
export interface NewEvent {
  readonly project: string | null;
  readonly actor: Actor;
  readonly action: string;
  /** What it happened to: `device/<id>`, `app/<name>`, `release/<digest>`, `rollout/<id>`. */
  readonly subject: string;
  /** Facts for people and machines; never a secret. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface StoredEvent extends NewEvent {
  readonly seq: number;
  readonly at: string;
  /** SHA-256 over the previous hash and the canonical JSON of this event, hex. */
  readonly hash: string;
}

/** Which events, and how many. */
export interface EventQuery {
  /** A project's name; undefined for all, null for the server's own. */
  readonly project?: string | null;
  readonly subject?: string;
  readonly limit: number;
}

/** The append-only, hash-chained log that live updates, history and audit are read from. */
export interface Events {
  /** Appends inside the transaction that makes the change, so that there is never one without the other. */
  append(trx: Transaction<Tables>, event: NewEvent): Promise<StoredEvent>;
  /** Events after `seq`, oldest first. */
  after(seq: number, query: EventQuery): Promise<readonly StoredEvent[]>;
  /** Events before `seq` (undefined: from the newest), newest first. */
  before(seq: number | undefined, query: EventQuery): Promise<readonly StoredEvent[]>;
  /** The last sequence number; 0 when there is none. */
  lastSeq(): Promise<number>;
}

/** The hash that stands before the first event. */
export const GENESIS_HASH = "0".repeat(64);

export interface EventsOptions {
  readonly database: Database;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Called after each commit. */
  readonly onStored?: (event: StoredEvent) => void;
}

/** The log in the database's `events` table; publishes `events` on the bus after each commit. */
export function createEvents(options: EventsOptions): Events {
  const { database, bus, clock } = options;
  return {
    async append(trx, event) {
      const last = await trx
        .selectFrom("events")
        .select(["seq", "hash"])
        .orderBy("seq", "desc")
        .limit(1)
        .executeTakeFirst();
      const unsealed = { ...event, seq: (last?.seq ?? 0) + 1, at: toInstant(clock.now()) };
      const stored = { ...unsealed, hash: hashEvent(last?.hash ?? GENESIS_HASH, unsealed) };
      await trx.insertInto("events").values(toRow(stored)).execute();
      database.afterCommit(trx, () => {
        options.onStored?.(stored);
        bus.publish("events", { seq: stored.seq });
      });
      return stored;
    },
    async after(seq, query) {
      const rows = await select(database, query).where("seq", ">", seq).orderBy("seq", "asc").execute();
      return rows.map(fromRow);
    },
    async before(seq, query) {
      const rows = await select(database, query)
        .where("seq", "<", seq ?? Number.MAX_SAFE_INTEGER)
        .orderBy("seq", "desc")
        .execute();
      return rows.map(fromRow);
    },
    async lastSeq() {
      const row = await database.read
        .selectFrom("events")
        .select("seq")
        .orderBy("seq", "desc")
        .limit(1)
        .executeTakeFirst();
      return row?.seq ?? 0;
    },
  };
}

/** The hash of an event that follows one with hash `previous`. */
export function hashEvent(previous: string, event: Omit<StoredEvent, "hash">): string {
  const { seq, at, project, actor, action, subject, data } = event;
  return createHash("sha256")
    .update(`${previous}\n${canonicalJson({ seq, at, project, actor, action, subject, data })}`)
    .digest("hex");
}

/** The event in a row of the table. */
export function fromRow(row: Selectable<EventsTable>): StoredEvent {
  return {
    seq: row.seq,
    at: row.at,
    project: row.project,
    actor: { kind: row.actor_kind, id: row.actor_id, ...(row.actor_name === null ? {} : { name: row.actor_name }) },
    action: row.action,
    subject: row.subject,
    ...(row.data === null ? {} : { data: JSON.parse(row.data) as Record<string, unknown> }),
    hash: row.hash,
  };
}

function toRow(event: StoredEvent): EventsTable {
  return {
    seq: event.seq,
    at: event.at,
    project: event.project,
    actor_kind: event.actor.kind,
    actor_id: event.actor.id,
    actor_name: event.actor.name ?? null,
    action: event.action,
    subject: event.subject,
    data: event.data === undefined ? null : canonicalJson(event.data),
    hash: event.hash,
  };
}

function select(database: Database, query: EventQuery) {
  let select = database.read.selectFrom("events").selectAll().limit(query.limit);
  if (query.project === null) select = select.where("project", "is", null);
  else if (query.project !== undefined) select = select.where("project", "=", query.project);
  if (query.subject !== undefined) select = select.where("subject", "=", query.subject);
  return select;
}
