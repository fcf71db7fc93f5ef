import { type Clock, toInstant } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import type { Transaction } from "kysely";
import type { Actor, Events } from "../../audit/events.ts";
import type { Database } from "../../store/database.ts";
import type { Tables } from "../../store/tables.ts";
import { projectOf } from "../path.ts";
import type { ReleaseGuard } from "../release-guard.ts";
import type { CondemnedRow } from "../upkeep-tables.ts";
import { isNamed, pardon } from "./references.ts";

/** Rows looked at, and rows changed in one transaction, before others get the thread. */
const READ_CHUNK = 500;
const WRITE_CHUNK = 100;

export interface CollectPorts {
  readonly database: Database;
  readonly events: Events;
  readonly clock: Clock;
  readonly releaseGuard: ReleaseGuard;
}

/** Puts every blob of the project that no manifest of its repository names on the list; returns how many were not on it. */
export async function condemn(
  { database, clock }: CollectPorts,
  project: string,
  exempt: ReadonlySet<string>,
): Promise<number> {
  let count = 0;
  let after: readonly [string, string] = ["", ""];
  for (;;) {
    const rows = await pageOfBlobs(database, project, after);
    const unnamed = rows.filter((row) => row.named === 0 && row.condemned === 0 && !exempt.has(row.repository));
    const condemned_at = toInstant(clock.now());
    for (let at = 0; at < unnamed.length; at += WRITE_CHUNK) {
      const values = unnamed
        .slice(at, at + WRITE_CHUNK)
        .map(({ repository, digest }) => ({ project, repository, digest, condemned_at }));
      await database.write((trx) =>
        trx
          .insertInto("registry_condemned")
          .values(values)
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      );
      count += values.length;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < READ_CHUNK) return count;
    after = [last.repository, last.digest];
    await clock.sleep(0);
  }
}

function pageOfBlobs({ read }: Database, project: string, [repository, digest]: readonly [string, string]) {
  return read
    .selectFrom("registry_blobs as b")
    .select(({ selectFrom, exists }) => [
      "b.repository",
      "b.digest",
      exists(
        selectFrom("registry_references as r")
          .select("r.content")
          .whereRef("r.project", "=", "b.project")
          .whereRef("r.repository", "=", "b.repository")
          .whereRef("r.content", "=", "b.digest"),
      )
        .$castTo<number>()
        .as("named"),
      exists(
        selectFrom("registry_condemned as c")
          .select("c.digest")
          .whereRef("c.project", "=", "b.project")
          .whereRef("c.repository", "=", "b.repository")
          .whereRef("c.digest", "=", "b.digest"),
      )
        .$castTo<number>()
        .as("condemned"),
    ])
    .where("b.project", "=", project)
    .where(({ eb, refTuple, tuple }) => eb(refTuple("b.repository", "b.digest"), ">", tuple(repository, digest)))
    .orderBy("b.repository")
    .orderBy("b.digest")
    .limit(READ_CHUNK)
    .execute();
}

/** What left a project. Bytes that another repository of it still has are not counted. */
export interface Swept {
  readonly blobs: number;
  readonly bytes: number;
}

/** Takes what was condemned at or before `before` out of its repositories, unless a manifest names it by now. One event per transaction. */
export async function sweep(
  { database, events, releaseGuard }: CollectPorts,
  { project, before, actor }: { readonly project: string; readonly before: number; readonly actor: Actor },
): Promise<Swept> {
  let swept: Swept = { blobs: 0, bytes: 0 };
  for (;;) {
    const rows = await database.read
      .selectFrom("registry_condemned")
      .selectAll()
      .where("project", "=", project)
      .where("condemned_at", "<=", toInstant(before))
      .limit(WRITE_CHUNK)
      .execute();
    if (rows.length === 0) return swept;
    const part = await database.write(async (trx) => {
      const gone = await sweepRows(trx, releaseGuard, project, rows);
      const data = { removedBlobs: gone.blobs, freedBytes: gone.bytes };
      const subject = `project/${project}`;
      if (gone.blobs > 0) await events.append(trx, { project, actor, action: "registry.collected", subject, data });
      return gone;
    });
    swept = { blobs: swept.blobs + part.blobs, bytes: swept.bytes + part.bytes };
  }
}

/** Looks at each row again inside the transaction: since it was read, somebody may have asked for the blob or named it. */
async function sweepRows(
  trx: Transaction<Tables>,
  releaseGuard: ReleaseGuard,
  project: string,
  rows: readonly CondemnedRow[],
): Promise<Swept> {
  const bytesBefore = await bytesOf(trx, project);
  let blobs = 0;
  for (const { repository, digest, condemned_at } of rows) {
    const still = await trx
      .deleteFrom("registry_condemned")
      .where("project", "=", project)
      .where("repository", "=", repository)
      .where("digest", "=", digest)
      .where("condemned_at", "=", condemned_at)
      .executeTakeFirst();
    if (still.numDeletedRows === 0n || (await isNamed(trx, repository, digest))) continue;
    const name = { kind: "digest", digest: asDigest(digest) } as const;
    if ((await releaseGuard.protectorOf(trx, repository, name)) !== undefined) continue;
    const gone = await trx
      .deleteFrom("registry_blobs")
      .where("project", "=", project)
      .where("repository", "=", repository)
      .where("digest", "=", digest)
      .executeTakeFirst();
    blobs += Number(gone.numDeletedRows);
  }
  return { blobs, bytes: bytesBefore - (await bytesOf(trx, project)) };
}

async function bytesOf(trx: Transaction<Tables>, project: string): Promise<number> {
  const row = await trx.selectFrom("registry_usage").select("bytes").where("project", "=", project).executeTakeFirst();
  return row?.bytes ?? 0;
}

/** The blob's size if the repository has it, and from now on it stays a while: who was told that it is here may rely on it. */
export async function spare(database: Database, repository: string, digest: string): Promise<number | undefined> {
  return database.write(async (trx) => {
    await pardon(trx, repository, [digest]);
    const row = await trx
      .selectFrom("registry_blobs")
      .select("size_bytes")
      .where("project", "=", projectOf(repository))
      .where("repository", "=", repository)
      .where("digest", "=", digest)
      .executeTakeFirst();
    return row?.size_bytes;
  });
}
