import { toInstant } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import type { Transaction } from "kysely";
import type { Actor } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { Tables } from "../../store/tables.ts";
import { projectOf } from "../path.ts";
import type { ReleaseGuard } from "../release-guard.ts";
import type { RepositoryState, RetentionPlan } from "./plan.ts";

/** Changes in one transaction. */
const CHUNK = 50;
/** What an index names, and what refers to it, can go only after it: each pass goes one step further down. */
const MAX_PASSES = 4;

export type RetentionPorts = Pick<Context, "database" | "events" | "clock"> & { readonly releaseGuard: ReleaseGuard };

export interface Removed {
  readonly tags: readonly { readonly tag: string; readonly digest: string }[];
  readonly manifests: readonly string[];
}

interface Removal {
  readonly repository: string;
  readonly state: RepositoryState;
  readonly plan: RetentionPlan;
  readonly actor: Actor;
}

/** Carries out a plan in short transactions. Each looks again at what it removes: what was pushed, tagged or released since the plan was made stays. */
export async function applyPlan(ports: RetentionPorts, removal: Removal): Promise<Removed> {
  const tags: { readonly tag: string; readonly digest: string }[] = [];
  for (const chunk of chunksOf(removal.plan.tags))
    tags.push(
      ...(await inTransaction(ports, removal, "tags", chunk, (trx, tag) => removeTag(ports, trx, removal, tag))),
    );
  const manifests: string[] = [];
  let left = removal.plan.manifests;
  for (let pass = 0; pass < MAX_PASSES && left.length > 0; pass++) {
    const before = manifests.length;
    for (const chunk of chunksOf(left))
      manifests.push(
        ...(await inTransaction(ports, removal, "manifests", chunk, (trx, digest) =>
          removeManifest(ports, trx, removal, digest),
        )),
      );
    if (manifests.length === before) break;
    const gone = new Set(manifests);
    left = left.filter((digest) => !gone.has(digest));
  }
  return { tags, manifests };
}

async function inTransaction<T>(
  { database, events }: RetentionPorts,
  { repository, actor }: Removal,
  what: "tags" | "manifests",
  items: readonly T[],
  remove: (trx: Transaction<Tables>, item: T) => Promise<boolean>,
): Promise<readonly T[]> {
  return database.write(async (trx) => {
    const removed: T[] = [];
    for (const item of items) if (await remove(trx, item)) removed.push(item);
    const event = { project: projectOf(repository), actor, action: "retention.applied" };
    if (removed.length > 0)
      await events.append(trx, {
        ...event,
        subject: `repository/${repository}`,
        data: { repository, [what]: removed },
      });
    return removed;
  });
}

async function removeTag(
  { releaseGuard }: RetentionPorts,
  trx: Transaction<Tables>,
  { repository, state }: Removal,
  { tag, digest }: RetentionPlan["tags"][number],
): Promise<boolean> {
  if ((await releaseGuard.protectorOf(trx, repository, { kind: "tag", tag })) !== undefined) return false;
  const planned = state.tags.find((known) => known.tag === tag);
  const gone = await trx
    .deleteFrom("registry_tags")
    .where("project", "=", projectOf(repository))
    .where("repository", "=", repository)
    .where("tag", "=", tag)
    .where("digest", "=", digest)
    .where("updated_at", "=", toInstant(planned?.updatedAt ?? 0))
    .executeTakeFirst();
  return gone.numDeletedRows > 0n;
}

async function removeManifest(
  { releaseGuard }: RetentionPorts,
  trx: Transaction<Tables>,
  { repository, state }: Removal,
  digest: string,
): Promise<boolean> {
  const name = { kind: "digest", digest: asDigest(digest) } as const;
  if ((await releaseGuard.protectorOf(trx, repository, name)) !== undefined) return false;
  const planned = state.manifests.find((known) => known.digest === digest);
  if (planned === undefined || (await isNeeded(trx, repository, planned))) return false;
  const gone = await trx
    .deleteFrom("registry_manifests")
    .where("project", "=", projectOf(repository))
    .where("repository", "=", repository)
    .where("digest", "=", digest)
    .where("created_at", "=", toInstant(planned.createdAt))
    .executeTakeFirst();
  return gone.numDeletedRows > 0n;
}

/** Whether a tag or an index names the manifest, or what it refers to is still here. */
async function isNeeded(
  trx: Transaction<Tables>,
  repository: string,
  { digest, subject }: RepositoryState["manifests"][number],
): Promise<boolean> {
  const project = projectOf(repository);
  const tag = await trx
    .selectFrom("registry_tags")
    .select("tag")
    .where("project", "=", project)
    .where("repository", "=", repository)
    .where("digest", "=", digest)
    .executeTakeFirst();
  const index = await trx
    .selectFrom("registry_references")
    .select("manifest")
    .where("project", "=", project)
    .where("repository", "=", repository)
    .where("content", "=", digest)
    .where("manifest", "<>", digest)
    .executeTakeFirst();
  const referred = await trx
    .selectFrom("registry_manifests")
    .select("digest")
    .where("project", "=", project)
    .where("repository", "=", repository)
    .where("digest", "=", subject ?? "")
    .executeTakeFirst();
  return tag !== undefined || index !== undefined || referred !== undefined;
}

function chunksOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / CHUNK) }, (_, at) => items.slice(at * CHUNK, (at + 1) * CHUNK));
}
