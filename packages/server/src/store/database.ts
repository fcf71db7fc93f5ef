import type { Kysely, Transaction } from "kysely";
import type { Tables } from "./tables.ts";

/**
 * State of the server. One writer, a separate reader. Inside `write` only database calls are awaited, and a transaction is short: the
 * thread serves everybody.
 */
export interface Database {
  readonly read: Kysely<Tables>;
  /** Runs `work` in a write transaction; transactions run one after another. */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
