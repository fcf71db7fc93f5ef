import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { matchingDevices } from "../devices/devices.ts";
import { parseSelector } from "../devices/selector.ts";
import { supersede } from "../rollouts/members.ts";
import { assignSettled, putSettlement, readSettlements, settlementsFor } from "./settle.ts";

interface SelectorChange {
  readonly project: string;
  readonly app: string;
  /** Canonical text. */
  readonly selector: string;
  readonly actor: Actor;
  readonly now: string;
}

/** Gives a release to every device that matches and is not pinned, and to those that join later. */
export async function settleSelector(
  context: Context,
  { project, app, release, selector, actor, now }: SelectorChange & { readonly release: string },
): Promise<void> {
  const { database, events, bus } = context;
  // First what stands, so that a device that joins meanwhile gets it too; then the devices, a few hundred at a time.
  await database.write(async (trx) => {
    await putSettlement(trx, { project, app, selector, release, rollout: null, settled_at: now });
    const subject = `app/${app}`;
    await events.append(trx, { project, actor, action: "app.assigned", subject, data: { release, selector } });
  });
  for await (const chunk of matchingDevices(database.read, project, parseSelector(selector))) {
    const devices = chunk.map(({ id }) => id);
    await database.write(async (trx) => {
      await assignSettled(trx, { project, app, release, devices, now });
      const reason = "the release was given to the selector directly";
      await supersede(trx, { project, app, devices, reason, now });
    });
    for (const device of devices) bus.publish("device.target", { project, device });
  }
}

/** Ends what stands for a selector. Devices that are not pinned fall back to another selector's, else the app goes. False when nothing stood. */
export async function unsettleSelector(
  { database, events, bus }: Context,
  { project, app, selector, actor, now }: SelectorChange,
): Promise<boolean> {
  const found = await database.write(async (trx) => {
    const result = await trx
      .deleteFrom("settlements")
      .where("project", "=", project)
      .where("app", "=", app)
      .where("selector", "=", selector)
      .executeTakeFirst();
    if (result.numDeletedRows === 0n) return false;
    await events.append(trx, { project, actor, action: "app.unassigned", subject: `app/${app}`, data: { selector } });
    return true;
  });
  if (!found) return false;
  for await (const devices of matchingDevices(database.read, project, parseSelector(selector))) {
    await database.write(async (trx) => {
      const ids = devices.map(({ id }) => id);
      await trx
        .deleteFrom("assignments")
        .where("project", "=", project)
        .where("app", "=", app)
        .where("device", "in", ids)
        .where("source", "!=", "pin")
        .execute();
      await supersede(trx, { project, app, devices: ids, reason: "the assignment was taken away", now });
      const settlements = await readSettlements(trx, project, app);
      const byRelease = Map.groupBy(devices, (device) => settlementsFor(settlements, device).get(app)?.release);
      for (const [release, those] of byRelease)
        if (release !== undefined)
          await assignSettled(trx, { project, app, release, devices: those.map(({ id }) => id), now });
    });
    for (const { id } of devices) bus.publish("device.target", { project, device: id });
  }
  return true;
}
