import type { Device, DeviceApp, Labels } from "@flotilla/protocol/api/devices";
import type { AppState, DeviceFacts } from "@flotilla/protocol/device";
import type { Kysely } from "kysely";
import type { AssignmentsTable } from "../assignments/tables.ts";
import type { Tables } from "../store/tables.ts";
import type { Presence } from "./presence.ts";
import type { DeviceAppsTable, DevicesTable, DeviceTargetsTable } from "./tables.ts";

/** Devices as the API shows them, each with what it should run and what it says it runs. */
export async function viewDevices(
  database: Kysely<Tables>,
  presence: Presence,
  rows: readonly DevicesTable[],
): Promise<readonly Device[]> {
  const [first] = rows;
  if (first === undefined) return [];
  const ids = rows.map(({ id }) => id);
  const of = { project: first.project, ids };
  const apps = groupByDevice(await readAll(database, "device_apps", of));
  const targets = groupByDevice(await readAll(database, "device_targets", of));
  const assignments = groupByDevice(await readAll(database, "assignments", of));
  return rows.map((row) =>
    viewDevice(row, presence.isOnline(row.id), {
      apps: apps.get(row.id) ?? [],
      target: targets.get(row.id)?.[0],
      assignments: assignments.get(row.id) ?? [],
    }),
  );
}

interface Parts {
  readonly apps: readonly DeviceAppsTable[];
  readonly target: DeviceTargetsTable | undefined;
  readonly assignments: readonly AssignmentsTable[];
}

function viewDevice(row: DevicesTable, online: boolean, parts: Parts): Device {
  return {
    id: row.id,
    name: row.name,
    labels: JSON.parse(row.labels) as Labels,
    timeZone: row.time_zone,
    status: row.revoked_at !== null ? "revoked" : online ? "online" : "offline",
    ...(row.last_seen_at === null ? {} : { lastSeenAt: latest(row.last_seen_at, row.reported_at) }),
    enrolledAt: row.enrolled_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    keyFingerprint: row.key_fingerprint,
    ...(row.facts === null ? {} : { facts: JSON.parse(row.facts) as DeviceFacts }),
    targetVersion: parts.target?.version ?? 0,
    reportedTargetVersion: row.reported_target_version,
    ...clockOffset(row),
    apps: viewApps(parts),
  };
}

function viewApps({ apps, target, assignments }: Parts): Record<string, DeviceApp> {
  const result: Record<string, DeviceApp> = {};
  const problems = JSON.parse(target?.problems ?? "{}") as Record<string, NonNullable<DeviceApp["problem"]>>;
  for (const { app, release, source, rollout } of assignments) {
    const problem = problems[app];
    const assigned = { release, source, ...(rollout === null ? {} : { rollout }) };
    result[app] = { containers: [], assigned, ...(problem === undefined ? {} : { problem }) };
  }
  for (const { app, state, reported_at } of apps)
    result[app] = { ...result[app], ...(JSON.parse(state) as AppState), reportedAt: reported_at };
  return result;
}

function clockOffset(row: DevicesTable): { readonly clockOffsetMs?: number } {
  if (row.reported_at === null || row.reported_device_time === null) return {};
  const offset = Date.parse(row.reported_device_time) - Date.parse(row.reported_at);
  return Number.isFinite(offset) ? { clockOffsetMs: offset } : {};
}

function latest(a: string, b: string | null): string {
  return b !== null && b > a ? b : a;
}

async function readAll<T extends "device_apps" | "device_targets" | "assignments">(
  database: Kysely<Tables>,
  table: T,
  { project, ids }: { readonly project: string; readonly ids: readonly string[] },
): Promise<readonly Tables[T][]> {
  const rows = await database
    .selectFrom(table as "device_apps" | "device_targets" | "assignments")
    .selectAll()
    .where("project", "=", project)
    .where("device", "in", ids)
    .execute();
  return rows as unknown as readonly Tables[T][];
}

function groupByDevice<T extends { readonly device: string }>(rows: readonly T[]): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(rows, (row) => row.device);
}
