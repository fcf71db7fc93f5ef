import { chmodSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "@flotilla/base/clock";
import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { Kysely } from "kysely";
import { openWriter } from "./database.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";

/** One step forward of the schema. Names sort by time and never change; there is no way back but the backup. */
export interface Migration {
  /** `NNNN-name`, as the file. */
  readonly name: string;
  up(database: Kysely<unknown>): Promise<void>;
}

interface MigrationTables {
  readonly schema_migrations: { readonly name: string; readonly applied_at: string };
}

export interface MigrationResult {
  readonly applied: readonly string[];
  /** Copy of the database as it was before, when there was something to lose. */
  readonly backup: string | undefined;
}

/**
 * Brings the database at `path` up to date, each migration in a transaction of its own, after a copy of an existing database into `backups/` beside it.
 * Throws `database-newer` when it was written by a later version.
 */
export async function migrate(path: string, migrations: readonly Migration[], clock: Clock): Promise<MigrationResult> {
  const connection = openWriter(path);
  // SQLite gives its journals the mode of the database.
  chmodSync(path, 0o600);
  const database = new Kysely<MigrationTables>({ dialect: createSqliteDialect(connection) });
  try {
    connection.exec(
      "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT",
    );
    const done = (await database.selectFrom("schema_migrations").select("name").execute()).map((row) => row.name);
    refuseUnknown(done, migrations);
    const missing = migrations.filter((migration) => !done.includes(migration.name));
    const backup = done.length > 0 && missing.length > 0 ? backupPath(path, clock) : undefined;
    if (backup !== undefined) backUp(connection, backup);
    for (const migration of missing) await apply(database, migration, toInstant(clock.now()));
    return { applied: missing.map((migration) => migration.name), backup };
  } finally {
    await database.destroy();
  }
}

function refuseUnknown(done: readonly string[], migrations: readonly Migration[]): void {
  const unknown = done.filter((name) => !migrations.some((migration) => migration.name === name));
  if (unknown.length === 0) return;
  throw new CodedError(
    "database-newer",
    `the database was written by a newer Flotilla (it has ${unknown.join(", ")}). Run that version, or restore a backup from before the update`,
  );
}

async function apply(database: Kysely<MigrationTables>, migration: Migration, appliedAt: string): Promise<void> {
  await database.transaction().execute(async (trx) => {
    await migration.up(trx.withTables<Record<never, never>>() as unknown as Kysely<unknown>);
    await trx.insertInto("schema_migrations").values({ name: migration.name, applied_at: appliedAt }).execute();
  });
}

function backUp(connection: DatabaseSync, path: string): void {
  connection.prepare("VACUUM INTO ?").run(path);
  chmodSync(path, 0o600);
}

function backupPath(path: string, clock: Clock): string {
  const folder = join(dirname(path), "backups");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, `flotilla-${toInstant(clock.now()).replaceAll(":", "-")}.db`);
}
