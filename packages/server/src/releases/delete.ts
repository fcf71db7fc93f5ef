import { CodedError } from "@flotilla/base/errors";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { assignedTo, describeHolder, type Holder, runningOn } from "./holders.ts";
import { type ReleaseRow, requireRelease } from "./rows.ts";

export interface Deletion {
  readonly project: string;
  readonly app: string;
  /** Digest or tag. */
  readonly release: string;
  readonly actor: Actor;
}

/**
 * Deletes a release that nobody runs, is to run, or names: its row, its artifact with everything that refers to it, and its tags. Its images stay
 * in their repositories, free now. Its number is never given again. Throws `not-found`, or `in-use` with whoever holds it.
 */
export async function deleteRelease(context: Context, { project, app, release, actor }: Deletion): Promise<void> {
  const { database, events } = context;
  const row = await requireRelease(context, project, app, release);
  const held = { project, app, digest: row.digest };
  // Reports are many and are looked through first; nobody can come to run what nobody is assigned.
  const running = await runningOn(database.read, held);
  await database.write(async (trx) => {
    const holders = [...running, ...(await assignedTo(trx, held))];
    if (holders.length > 0) refuse(row, holders);
    const gone = await trx
      .deleteFrom("releases")
      .where("project", "=", project)
      .where("id", "=", row.id)
      .executeTakeFirst();
    if (gone.numDeletedRows === 0n) throw new CodedError("not-found", `the app ${app} has no release ${release}`);
    await removeArtifact(trx, row);
    await events.append(trx, {
      project,
      actor,
      action: "release.deleted",
      subject: `release/${row.digest}`,
      data: { app, tag: `r${row.number}` },
    });
  });
}

function refuse({ app, number }: ReleaseRow, holders: readonly Holder[]): never {
  const [first, ...others] = holders.map(describeHolder);
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  throw new CodedError("in-use", `the release ${app} r${number} stays: ${first}${more}`, { details: { holders } });
}

/** Out of the registry, which collects the bytes that nothing names any more. */
async function removeArtifact(trx: Transaction<Tables>, { project, app, number, digest }: ReleaseRow): Promise<void> {
  const repository = `${project}/${app}`;
  await trx
    .deleteFrom("release_contents")
    .where("project", "=", project)
    .where("app", "=", app)
    .where("number", "=", number)
    .execute();
  const manifests = await trx
    .selectFrom("registry_manifests")
    .select("digest")
    .where("project", "=", project)
    .where("repository", "=", repository)
    .where((where) => where.or([where("digest", "=", digest), where("subject", "=", digest)]))
    .execute();
  const digests = manifests.map((manifest) => manifest.digest);
  for (const table of ["registry_tags", "registry_manifests"] as const)
    await trx
      .deleteFrom(table)
      .where("project", "=", project)
      .where("repository", "=", repository)
      .where("digest", "in", digests)
      .execute();
}
