import { DatabaseSync } from "node:sqlite";
import { Semaphore } from "@flotilla/base/semaphore";
import { Kysely, type Transaction } from "kysely";
import { createSqliteDialect } from "./sqlite-dialect.ts";
import type { Tables } from "./tables.ts";

/** How long a connection waits for another process's lock (backup tools, the offline audit check). */
const BUSY_TIMEOUT_MS = 5000;

/**
 * State of the server. One writer, a separate reader. Inside `write` only database calls are awaited, and a transaction is short: the
 * thread serves everybody.
 */
export interface Database {
  readonly read: Kysely<Tables>;
  /** Runs `work` in a write transaction; transactions run one after another. Nothing of it stays when `work` throws. */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /**
   * As {@link Database.write}, for what nobody is told is kept and what can be made again: a power failure (never the end of the process) may take it
   * back, as long as no `write` came after it. It does not wait for the disk.
   */
  writeLazily<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Runs `action` once, after the transaction has been committed, in the order of the calls; never when it is rolled back. */
  afterCommit(trx: Transaction<Tables>, action: () => void): void;
  close(): Promise<void>;
}

/** Opens the database at `path`, which {@link migrate} has brought up to date. */
export function openDatabase(path: string): Database {
  const connection = openWriter(path);
  const writer = new Kysely<Tables>({ dialect: createSqliteDialect(connection) });
  const read = new Kysely<Tables>({ dialect: createSqliteDialect(openReader(path)) });
  const queue = new Semaphore(1);
  const pending = new WeakMap<Transaction<Tables>, (() => void)[]>();
  const run = async <T>(work: (trx: Transaction<Tables>) => Promise<T>, isLazy: boolean): Promise<T> => {
    const actions: (() => void)[] = [];
    const result = await queue.run(async () => {
      // SQLite answers at once: without a turn of the event loop, transactions in a row would keep everybody else waiting.
      await new Promise(setImmediate);
      if (isLazy) connection.exec("PRAGMA synchronous=NORMAL");
      try {
        return await writer.transaction().execute((trx) => {
          pending.set(trx, actions);
          return work(trx);
        });
      } finally {
        if (isLazy) connection.exec("PRAGMA synchronous=FULL");
      }
    });
    for (const action of actions) action();
    return result;
  };
  return {
    read,
    write: (work) => run(work, false),
    writeLazily: (work) => run(work, true),
    afterCommit(trx, action) {
      const actions = pending.get(trx);
      if (actions === undefined) throw new Error("afterCommit outside of a transaction of this database");
      actions.push(action);
    },
    async close() {
      await queue.run(async () => {
        await read.destroy();
        await writer.destroy();
      });
    },
  };
}

/** A writing connection under the data rules: WAL, and every commit on the disk before it is acknowledged. */
export function openWriter(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  connection.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864");
  return connection;
}

/** A connection that cannot write. */
export function openReader(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
}
