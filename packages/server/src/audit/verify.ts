import type { Clock } from "@flotilla/base/clock";
import type { AuditVerification } from "@flotilla/protocol/api/audit";
import { Kysely } from "kysely";
import { databasePath } from "../store/data-dir.ts";
import { openReader } from "../store/database.ts";
import { createSqliteDialect } from "../store/sqlite-dialect.ts";
import { fromRow, GENESIS_HASH, hashEvent } from "./events.ts";
import type { AuditTables } from "./tables.ts";

/** Events checked before others get the thread. */
const CHUNK = 500;

/** Walks the whole chain and reports the first event that does not fit. */
export async function verifyChain(database: Kysely<AuditTables>, clock: Clock): Promise<AuditVerification> {
  let head = GENESIS_HASH;
  let count = 0;
  for (;;) {
    const rows = await database
      .selectFrom("events")
      .selectAll()
      .where("seq", ">", count)
      .orderBy("seq")
      .limit(CHUNK)
      .execute();
    for (const row of rows) {
      const reason = misfit(row, { head, seq: count + 1 });
      if (reason !== undefined) return { intact: false, count, head, brokenSeq: count + 1, reason };
      head = row.hash;
      count = row.seq;
    }
    if (rows.length < CHUNK) return { intact: true, count, head };
    await clock.sleep(0);
  }
}

/** The same on a data folder, whether or not a server runs on it. */
export function verifyDataDir(dataDir: string, clock: Clock): Promise<AuditVerification> {
  return verifyFile(databasePath(dataDir), clock);
}

/** The same on a database file. */
export async function verifyFile(path: string, clock: Clock): Promise<AuditVerification> {
  const database = new Kysely<AuditTables>({ dialect: createSqliteDialect(openReader(path)) });
  try {
    return await verifyChain(database, clock);
  } finally {
    await database.destroy();
  }
}

function misfit(
  row: AuditTables["events"],
  expected: { readonly head: string; readonly seq: number },
): string | undefined {
  if (row.seq !== expected.seq) return `event ${expected.seq} is missing`;
  const event = parse(row);
  if (event === undefined) return "its data is not JSON";
  return hashEvent(expected.head, event) === row.hash
    ? undefined
    : "its hash does not follow from its content and the event before";
}

function parse(row: AuditTables["events"]) {
  try {
    return fromRow(row);
  } catch {
    // Damaged data is an answer of the check, not a failure of it.
    return undefined;
  }
}
