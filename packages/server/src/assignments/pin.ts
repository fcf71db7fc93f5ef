import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { KnownDevice } from "../devices/devices.ts";
import { supersede } from "../rollouts/members.ts";
import type { Tables } from "../store/tables.ts";
import { assignSettled, readSettlements, settlementsFor } from "./settle.ts";

type Trx = Transaction<Tables>;

interface PinChange {
  readonly device: KnownDevice;
  readonly app: string;
  readonly actor: Actor;
  readonly now: string;
}

/** Pins one device to a release: no rollout moves it until the pin is taken away. */
export async function pinDevice(
  trx: Trx,
  context: Context,
  { device, app, release, actor, now }: PinChange & { readonly release: string },
): Promise<void> {
  const { project, id } = device;
  const content = { release, source: "pin" as const, rollout: null, previous: null, assigned_at: now };
  await trx
    .insertInto("assignments")
    .values({ project, device: id, app, ...content })
    .onConflict((conflict) => conflict.columns(["project", "device", "app"]).doUpdateSet(content))
    .execute();
  await supersede(trx, { project, app, devices: [id], reason: "the device was pinned to a release", now });
  const subject = `device/${id}`;
  await context.events.append(trx, { project, actor, action: "device.pinned", subject, data: { app, release } });
  context.database.afterCommit(trx, () => context.bus.publish("device.target", { project, device: id }));
}

/** Takes a device's assignment away: what was settled for a selector that it matches takes its place, else the app goes. False when it had none. */
export async function unassignDevice(
  trx: Trx,
  context: Context,
  { device, app, actor, now }: PinChange,
): Promise<boolean> {
  const { project, id } = device;
  const result = await trx
    .deleteFrom("assignments")
    .where("project", "=", project)
    .where("device", "=", id)
    .where("app", "=", app)
    .executeTakeFirst();
  if (result.numDeletedRows === 0n) return false;
  await supersede(trx, { project, app, devices: [id], reason: "the assignment was taken away", now });
  const release = settlementsFor(await readSettlements(trx, project, app), device).get(app)?.release;
  if (release !== undefined) await assignSettled(trx, { project, app, release, devices: [id], now });
  const data = { app, ...(release === undefined ? {} : { release }) };
  await context.events.append(trx, { project, actor, action: "device.unassigned", subject: `device/${id}`, data });
  context.database.afterCommit(trx, () => context.bus.publish("device.target", { project, device: id }));
  return true;
}
