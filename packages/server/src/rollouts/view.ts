import type {
  Rollout,
  RolloutDevice,
  RolloutDeviceList,
  RolloutDeviceQuery,
  RolloutList,
  RolloutListQuery,
  RolloutStrategy,
} from "@flotilla/protocol/api/rollouts";
import type { Kysely } from "kysely";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import type { Tables } from "../store/tables.ts";
import { countOutcomes, type RolloutCounts } from "./counts.ts";
import type { RolloutMembersTable, RolloutPhasesTable, RolloutsTable } from "./tables.ts";

/** Rollouts of one project as the API shows them. */
export async function viewRollouts(
  database: Kysely<Tables>,
  project: string,
  rows: readonly RolloutsTable[],
): Promise<readonly Rollout[]> {
  const ids = rows.map(({ id }) => id);
  const counts = await countOutcomes(database, project, ids);
  const phases =
    ids.length === 0
      ? []
      : await database
          .selectFrom("rollout_phases")
          .selectAll()
          .where("project", "=", project)
          .where("rollout", "in", ids)
          .execute();
  return rows.map((row) =>
    viewRollout(
      row,
      counts(row.id),
      phases.filter(({ rollout }) => rollout === row.id),
    ),
  );
}

/** A page of rollouts, newest first. */
export async function listRollouts(
  database: Kysely<Tables>,
  project: string,
  query: RolloutListQuery,
): Promise<RolloutList> {
  const limit = pageSize(query);
  const before = decodeCursor(query.cursor, ["string"])?.[0];
  let rows = database
    .selectFrom("rollouts")
    .selectAll()
    .where("project", "=", project)
    .orderBy("id", "desc")
    .limit(limit + 1);
  if (before !== undefined) rows = rows.where("id", "<", before);
  if (query.app !== undefined) rows = rows.where("app", "=", query.app);
  const page = toPage(await rows.execute(), limit, { item: (row) => row, key: (row) => [row.id] });
  return { ...page, items: [...(await viewRollouts(database, project, page.items))] };
}

/** A page of a rollout's devices in the cohort order. */
export async function listMembers(
  database: Kysely<Tables>,
  { project, id }: RolloutsTable,
  query: RolloutDeviceQuery,
): Promise<RolloutDeviceList> {
  const limit = pageSize(query);
  const after = decodeCursor(query.cursor, ["string"])?.[0] ?? "";
  let rows = database
    .selectFrom("rollout_members as m")
    .leftJoin("devices as d", (join) => join.onRef("d.project", "=", "m.project").onRef("d.id", "=", "m.device"))
    .selectAll("m")
    .select("d.name")
    .where("m.project", "=", project)
    .where("m.rollout", "=", id)
    .where("m.rank", ">", after)
    .orderBy("m.rank")
    .limit(limit + 1);
  if (query.outcome !== undefined) rows = rows.where("m.outcome", "=", query.outcome);
  return toPage(await rows.execute(), limit, { item: viewMember, key: (row) => [row.rank] });
}

function viewRollout(row: RolloutsTable, counts: RolloutCounts, started: readonly RolloutPhasesTable[]): Rollout {
  const strategy = JSON.parse(row.strategy) as RolloutStrategy;
  return {
    id: row.id,
    app: row.app,
    release: row.release,
    tag: row.tag,
    selector: row.selector,
    strategy,
    state: row.state,
    ...reasonOf(row),
    ...(row.phase === null ? {} : { phase: row.phase }),
    phases: strategy.phases.map((size, index) => {
      const phase = started.find((one) => one.phase === index);
      const known = phase === undefined ? {} : { reach: phase.reach, startedAt: phase.started_at };
      return { size, ...known, counts: counts.phase(index) };
    }),
    counts: counts.all,
    createdAt: row.created_at,
    createdBy: row.created_by,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

function viewMember(row: RolloutMembersTable & { readonly name: string | null }): RolloutDevice {
  return {
    device: row.device,
    name: row.name ?? "(deleted)",
    ...(row.phase === null ? {} : { phase: row.phase }),
    outcome: row.outcome,
    ...reasonOf(row),
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
    ...(row.previous === null ? {} : { previous: row.previous }),
  };
}

function reasonOf(row: { readonly reason_code: string | null; readonly reason: string | null }): {
  readonly reason?: { code: string; message: string };
} {
  return row.reason_code === null ? {} : { reason: { code: row.reason_code, message: row.reason ?? "" } };
}
