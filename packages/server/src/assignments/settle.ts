import type { Transaction } from "kysely";
import type { KnownDevice } from "../devices/devices.ts";
import { matches, parseSelector } from "../devices/selector.ts";
import type { Tables } from "../store/tables.ts";
import type { SettlementsTable } from "./tables.ts";

type Trx = Transaction<Tables>;

/** What stands in a project, of one app or of all, in the order it was settled. */
export async function readSettlements(trx: Trx, project: string, app?: string): Promise<readonly SettlementsTable[]> {
  let query = trx.selectFrom("settlements").selectAll().where("project", "=", project);
  if (app !== undefined) query = query.where("app", "=", app);
  return query.orderBy("settled_at").orderBy("selector").execute();
}

/** What stands for the device by the selectors that it matches: per app the one that was settled last. */
export function settlementsFor(
  settlements: readonly SettlementsTable[],
  device: KnownDevice,
): ReadonlyMap<string, SettlementsTable> {
  const matching = settlements.filter((row) => matches(parseSelector(row.selector), device));
  return new Map(matching.map((row) => [row.app, row]));
}

/** Gives a new device what was settled for the selectors that it matches. Returns whether it got anything. */
export async function settleNewDevice(trx: Trx, device: KnownDevice, now: string): Promise<boolean> {
  const settlements = [...settlementsFor(await readSettlements(trx, device.project), device).values()];
  for (const { app, release } of settlements)
    await assignSettled(trx, { project: device.project, app, release, devices: [device.id], now });
  return settlements.length > 0;
}

/**
 * After a device's labels changed: where another selector now has the last word, the device gets what was settled there. Leaving a selector takes nothing
 * away: an assignment lasts until it is changed. Pins, and what a rollout gave it that has not ended, stay.
 */
export async function resettleDevice(
  trx: Trx,
  { before, after, now }: { readonly before: KnownDevice; readonly after: KnownDevice; readonly now: string },
): Promise<boolean> {
  const settlements = await readSettlements(trx, after.project);
  const old = settlementsFor(settlements, before);
  let changed = false;
  for (const [app, settlement] of settlementsFor(settlements, after)) {
    if (old.get(app)?.selector === settlement.selector) continue;
    if (await heldByRollout(trx, after, app)) continue;
    const { release } = settlement;
    await assignSettled(trx, { project: after.project, app, release, devices: [after.id], now });
    changed = true;
  }
  return changed;
}

/** Remembers what devices get that join the selector from now on. */
export async function putSettlement(trx: Trx, settlement: SettlementsTable): Promise<void> {
  const { release, rollout, settled_at } = settlement;
  await trx
    .insertInto("settlements")
    .values(settlement)
    .onConflict((conflict) =>
      conflict.columns(["project", "app", "selector"]).doUpdateSet({ release, rollout, settled_at }),
    )
    .execute();
}

/** Assigns a settled release to devices, except those that are pinned to one. */
export async function assignSettled(
  trx: Trx,
  change: {
    readonly project: string;
    readonly app: string;
    readonly release: string;
    readonly devices: readonly string[];
    readonly now: string;
  },
): Promise<void> {
  if (change.devices.length === 0) return;
  const content = {
    release: change.release,
    source: "settled" as const,
    rollout: null,
    previous: null,
    assigned_at: change.now,
  };
  await trx
    .insertInto("assignments")
    .values(change.devices.map((device) => ({ project: change.project, device, app: change.app, ...content })))
    .onConflict((conflict) =>
      conflict.columns(["project", "device", "app"]).doUpdateSet(content).where("assignments.source", "!=", "pin"),
    )
    .execute();
}

async function heldByRollout(trx: Trx, device: KnownDevice, app: string): Promise<boolean> {
  const row = await trx
    .selectFrom("assignments")
    .innerJoin("rollouts", (join) =>
      join.onRef("rollouts.project", "=", "assignments.project").onRef("rollouts.id", "=", "assignments.rollout"),
    )
    .select("rollouts.id")
    .where("assignments.project", "=", device.project)
    .where("assignments.device", "=", device.id)
    .where("assignments.app", "=", app)
    .where("rollouts.active", "=", 1)
    .executeTakeFirst();
  return row !== undefined;
}
