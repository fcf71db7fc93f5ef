import { CodedError } from "@flotilla/base/errors";
import { formatBytes } from "@flotilla/base/units";
import type { RegistryQuota } from "@flotilla/protocol/api/registry-upkeep";
import type { Kysely, Transaction } from "kysely";
import type { Tables } from "../../store/tables.ts";
import type { UsageRow } from "../upkeep-tables.ts";

export type Usage = Omit<UsageRow, "project">;

const NOTHING: Usage = { bytes: 0, blobs: 0, manifests: 0, repositories: 0 };
const NO_LIMITS: RegistryQuota = { maxBytes: null, maxManifests: null, maxRepositories: null };
const WAY_OUT = "delete images or tighten the retention policy and collect, or ask the server's owner for more";

/** What the project has; its rows are summed by the database as they come and go. */
export async function usageOf(database: Kysely<Tables>, project: string): Promise<Usage> {
  const row = await database
    .selectFrom("registry_usage")
    .select(["bytes", "blobs", "manifests", "repositories"])
    .where("project", "=", project)
    .executeTakeFirst();
  return row ?? NOTHING;
}

/** What the project may have. */
export async function quotaOf(database: Kysely<Tables>, project: string): Promise<RegistryQuota> {
  const row = await database
    .selectFrom("registry_quotas")
    .selectAll()
    .where("project", "=", project)
    .executeTakeFirst();
  if (row === undefined) return NO_LIMITS;
  return { maxBytes: row.max_bytes, maxManifests: row.max_manifests, maxRepositories: row.max_repositories };
}

/** Bytes that the project may still add; infinite without a quota. */
export async function roomOf(database: Kysely<Tables>, project: string): Promise<number> {
  const { maxBytes } = await quotaOf(database, project);
  return maxBytes === null
    ? Number.POSITIVE_INFINITY
    : Math.max(0, maxBytes - (await usageOf(database, project)).bytes);
}

/**
 * Runs a change inside a transaction and throws `quota-exceeded` when it leaves the project with more than it may have and more than it had. A
 * project over its quota (it was lowered) may still do what adds nothing.
 */
export async function withinQuota(
  trx: Transaction<Tables>,
  project: string,
  change: () => Promise<void>,
): Promise<void> {
  const before = await usageOf(trx, project);
  await change();
  const quota = await quotaOf(trx, project);
  const after = await usageOf(trx, project);
  if (exceeds(after.bytes, before.bytes, quota.maxBytes)) throw fullBytes(project, quota.maxBytes);
  if (exceeds(after.manifests, before.manifests, quota.maxManifests))
    throw full(project, `${quota.maxManifests} manifests`);
  if (exceeds(after.repositories, before.repositories, quota.maxRepositories))
    throw full(project, `${quota.maxRepositories} repositories`);
}

/** The refusal of more bytes than `maxBytes`. */
export function fullBytes(project: string, maxBytes: number | null): CodedError {
  return full(project, formatBytes(maxBytes ?? 0));
}

function exceeds(after: number, before: number, limit: number | null): boolean {
  return limit !== null && after > limit && after > before;
}

function full(project: string, limit: string): CodedError {
  return new CodedError("quota-exceeded", `the project ${project} may have ${limit} in the registry: ${WAY_OUT}`);
}
