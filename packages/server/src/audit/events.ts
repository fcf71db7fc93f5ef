import type { Transaction } from "kysely";
import type { Tables } from "../store/tables.ts";

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

/** The append-only, hash-chained log that live updates, history and audit are read from. */
export interface Events {
  /** Appends inside the transaction that makes the change, so that there is never one without the other. */
  append(trx: Transaction<Tables>, event: NewEvent): Promise<StoredEvent>;
  /** Events after `seq`, oldest first; of one project, or of all with `undefined`. */
  after(
    seq: number,
    options: { readonly project?: string; readonly subject?: string; readonly limit: number },
  ): Promise<readonly StoredEvent[]>;
}
