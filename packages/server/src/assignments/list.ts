import type { Assignment, AssignmentList, AssignmentListQuery } from "@flotilla/protocol/api/rollouts";
import { type Kysely, sql } from "kysely";
import { requireDevice } from "../devices/devices.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import type { Tables } from "../store/tables.ts";
import type { AssignmentsTable, SettlementsTable } from "./tables.ts";

/** The standing assignments of selectors or, when one is named, those of a device. */
export async function listAssignments(
  database: Kysely<Tables>,
  project: string,
  query: AssignmentListQuery,
): Promise<AssignmentList> {
  return query.device === undefined
    ? listSettlements(database, project, query)
    : listOfDevice(database, (await requireDevice(database, project, query.device)).id, { project, query });
}

async function listSettlements(
  database: Kysely<Tables>,
  project: string,
  query: AssignmentListQuery,
): Promise<AssignmentList> {
  const limit = pageSize(query);
  const [app, selector] = decodeCursor(query.cursor, ["string", "string"]) ?? ["", ""];
  let rows = database
    .selectFrom("settlements")
    .selectAll()
    .where("project", "=", project)
    .orderBy("app")
    .orderBy("selector")
    .limit(limit + 1);
  if (query.cursor !== undefined) rows = rows.where(sql<boolean>`(app, selector) > (${app}, ${selector})`);
  if (query.app !== undefined) rows = rows.where("app", "=", query.app);
  return toPage(await rows.execute(), limit, { item: fromSettlement, key: (row) => [row.app, row.selector] });
}

async function listOfDevice(
  database: Kysely<Tables>,
  device: string,
  { project, query }: { readonly project: string; readonly query: AssignmentListQuery },
): Promise<AssignmentList> {
  const limit = pageSize(query);
  const [after = ""] = decodeCursor(query.cursor, ["string"]) ?? [];
  let rows = database
    .selectFrom("assignments")
    .selectAll()
    .where("project", "=", project)
    .where("device", "=", device)
    .where("app", ">", after)
    .orderBy("app")
    .limit(limit + 1);
  if (query.app !== undefined) rows = rows.where("app", "=", query.app);
  return toPage(await rows.execute(), limit, { item: fromAssignment, key: (row) => [row.app] });
}

function fromSettlement(row: SettlementsTable): Assignment {
  const { app, release, selector, rollout, settled_at } = row;
  const by = rollout === null ? {} : { rollout };
  return { app, release, selector, source: "settled", ...by, assignedAt: settled_at };
}

function fromAssignment(row: AssignmentsTable): Assignment {
  const { app, release, device, source, rollout, assigned_at } = row;
  return { app, release, device, source, ...(rollout === null ? {} : { rollout }), assignedAt: assigned_at };
}
