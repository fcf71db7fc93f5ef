import { toInstant } from "@flotilla/base/clock";
import type { Variable } from "@flotilla/protocol/api/variables";
import type { Kysely, Selectable as Row, Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import type { ScopedValue } from "./resolve.ts";
import type { Sealer } from "./seal.ts";
import type { VariablesTable } from "./tables.ts";

/** A scope with the selector in canonical form and the device by id. */
export interface StoredScope {
  readonly scope: "project" | "group" | "device";
  readonly scopeOf: string;
}

export interface SetVariable extends StoredScope {
  readonly project: string;
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
  readonly priority: number;
  readonly actor: Actor;
}

/** Values of one project that may concern the device, opened, of these names only. */
export async function valuesFor(
  database: Kysely<Tables>,
  sealer: Sealer,
  { project, device, names }: { readonly project: string; readonly device: string; readonly names: readonly string[] },
): Promise<readonly ScopedValue[]> {
  if (names.length === 0) return [];
  const rows = await database
    .selectFrom("variables")
    .selectAll()
    .where("project", "=", project)
    .where("name", "in", names)
    .where((where) => where.or([where("scope", "!=", "device"), where("scope_of", "=", device)]))
    .execute();
  return rows.map((row) => ({
    name: row.name,
    scope: row.scope,
    scopeOf: row.scope_of,
    priority: row.priority,
    value: row.secret === 1 ? sealer.open(row.value, placeOf(row)) : row.value,
  }));
}

/** Sets the value of one scope. The event says that it changed, never what it is. */
export async function setVariable(
  trx: Transaction<Tables>,
  { events, clock }: Context,
  sealer: Sealer,
  change: SetVariable,
): Promise<Row<VariablesTable>> {
  const key = { project: change.project, name: change.name, scope: change.scope, scope_of: change.scopeOf };
  const content = {
    priority: change.scope === "group" ? change.priority : 0,
    secret: change.secret ? (1 as const) : (0 as const),
    value: change.secret ? sealer.seal(change.value, placeOf(key)) : change.value,
    updated_at: toInstant(clock.now()),
    updated_by: change.actor.name ?? change.actor.id,
  };
  await trx
    .insertInto("variables")
    .values({ ...key, ...content })
    .onConflict((conflict) => conflict.columns(["project", "name", "scope", "scope_of"]).doUpdateSet(content))
    .execute();
  await events.append(trx, {
    project: change.project,
    actor: change.actor,
    action: "variable.set",
    subject: `variable/${change.name}`,
    data: { scope: change.scope, of: change.scopeOf, secret: change.secret },
  });
  return { ...key, ...content };
}

/** Takes the value of one scope away; false when there was none. */
export async function deleteVariable(
  trx: Transaction<Tables>,
  { events }: Context,
  change: Omit<SetVariable, "value" | "secret" | "priority">,
): Promise<boolean> {
  const result = await trx
    .deleteFrom("variables")
    .where("project", "=", change.project)
    .where("name", "=", change.name)
    .where("scope", "=", change.scope)
    .where("scope_of", "=", change.scopeOf)
    .executeTakeFirst();
  if (result.numDeletedRows === 0n) return false;
  await events.append(trx, {
    project: change.project,
    actor: change.actor,
    action: "variable.deleted",
    subject: `variable/${change.name}`,
    data: { scope: change.scope, of: change.scopeOf },
  });
  return true;
}

/** As the API shows it: a secret without its value. */
export function toVariable(row: Row<VariablesTable>): Variable {
  return {
    name: row.name,
    scope: scopeOf(row),
    priority: row.priority,
    secret: row.secret === 1,
    ...(row.secret === 1 ? {} : { value: row.value }),
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
  };
}

function scopeOf(row: Row<VariablesTable>): Variable["scope"] {
  switch (row.scope) {
    case "project":
      return { kind: "project" };
    case "group":
      return { kind: "group", selector: row.scope_of };
    case "device":
      return { kind: "device", device: row.scope_of };
  }
}

function placeOf(row: Pick<VariablesTable, "project" | "scope" | "scope_of" | "name">): string {
  return `variable/${row.project}/${row.scope}/${row.scope_of}/${row.name}`;
}
