import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";

/** Prepared statements kept per connection; the least recently used goes first. */
const MAX_STATEMENTS = 300;

/** Kysely over one `node:sqlite` connection. Every query runs at once on this thread; whoever opens a transaction keeps others out. */
export function createSqliteDialect(connection: DatabaseSync): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(connection),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function createDriver(database: DatabaseSync): Driver {
  const connection = createConnection(database);
  return {
    async init() {},
    async acquireConnection() {
      return connection;
    },
    // IMMEDIATE: a transaction that will write must not begin as a reader that is refused later (SQLITE_BUSY_SNAPSHOT).
    async beginTransaction() {
      database.exec("BEGIN IMMEDIATE");
    },
    async commitTransaction() {
      database.exec("COMMIT");
    },
    async rollbackTransaction() {
      database.exec("ROLLBACK");
    },
    async releaseConnection() {},
    async destroy() {
      database.close();
    },
  };
}

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

function createConnection(database: DatabaseSync): DatabaseConnection {
  const cache = new Map<string, Prepared>();
  return {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const { statement, returnsRows } = prepare(database, cache, query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (returnsRows) return { rows: statement.all(...parameters) as R[] };
      const { changes, lastInsertRowid } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    },
    async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
      // A statement of its own: a cached one would be reset by the next query with the same text.
      const statement = database.prepare(query.sql);
      for (const row of statement.iterate(...(query.parameters as SQLInputValue[]))) yield { rows: [row as R] };
    },
  };
}

function prepare(database: DatabaseSync, cache: Map<string, Prepared>, text: string): Prepared {
  const known = cache.get(text);
  if (known !== undefined) {
    cache.delete(text);
    cache.set(text, known);
    return known;
  }
  const statement = database.prepare(text);
  const prepared = { statement, returnsRows: statement.columns().length > 0 };
  cache.set(text, prepared);
  if (cache.size > MAX_STATEMENTS) {
    const oldest = cache.keys().next().value;
    if (oldest !== undefined) cache.delete(oldest);
  }
  return prepared;
}
