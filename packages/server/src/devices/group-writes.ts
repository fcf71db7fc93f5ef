import type { Transaction } from "kysely";
import type { Database } from "../store/database.ts";
import type { Tables } from "../store/tables.ts";

/** Small changes of many devices, written together. */
export interface GroupWrites {
  /** Runs `work` in a transaction that it may share with others, and resolves once that is on the disk. */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Changes that wait for a transaction. */
  readonly waiting: number;
}

interface Waiting {
  run(trx: Transaction<Tables>): Promise<void>;
  done(): void;
  failed(error: unknown): void;
}

/** What arrives while a transaction is written goes together into the next one, at most `batch` at a time so that none holds the thread for long. */
export function createGroupWrites(database: Database, batch: number): GroupWrites {
  const queue: Waiting[] = [];
  let writing = false;
  const drain = async () => {
    writing = true;
    while (queue.length > 0) await writeTogether(database, queue.splice(0, batch));
    writing = false;
  };
  return {
    get waiting() {
      return queue.length;
    },
    write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        let result: T;
        queue.push({
          async run(trx) {
            result = await work(trx);
          },
          done: () => resolve(result),
          failed: reject,
        });
        if (!writing) void drain();
      });
    },
  };
}

async function writeTogether(database: Database, group: readonly Waiting[]): Promise<void> {
  try {
    await database.write(async (trx) => {
      for (const one of group) await one.run(trx);
    });
    for (const one of group) one.done();
  } catch (error) {
    // One change that cannot be made must not take the others with it.
    if (group.length === 1) group[0]?.failed(error);
    else for (const one of group) await writeTogether(database, [one]);
  }
}
