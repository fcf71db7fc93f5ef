import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { Labels, PatchDeviceRequest } from "@flotilla/protocol/api/devices";
import type { AppState } from "@flotilla/protocol/device";
import type { Transaction } from "kysely";
import { resettleDevice } from "../assignments/settle.ts";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { markGone, updateMembership } from "../rollouts/members.ts";
import type { Tables } from "../store/tables.ts";
import { requireDevice, toKnownDevice } from "./devices.ts";
import { patchLabels } from "./labels.ts";
import type { Presence } from "./presence.ts";
import type { DevicesTable } from "./tables.ts";
import { isTimeZone } from "./time-zone.ts";

type Trx = Transaction<Tables>;

/** Which device, and who changes it. */
export interface DeviceChange {
  readonly project: string;
  /** Id or name. */
  readonly device: string;
  readonly actor: Actor;
}

/** Changes name, labels or time zone. Throws `not-found`, `already-exists`, `time-zone-unknown`, and what labels throw. */
export async function patchDevice(
  context: Context,
  { project, device, actor }: DeviceChange,
  patch: PatchDeviceRequest,
): Promise<DevicesTable> {
  if (patch.timeZone !== undefined && !isTimeZone(patch.timeZone))
    throw new CodedError("time-zone-unknown", `${patch.timeZone} is not an IANA time zone, such as Europe/Oslo`);
  return context.database.write(async (trx) => {
    const before = await requireDevice(trx, project, device);
    const labels = JSON.parse(before.labels) as Labels;
    const after: DevicesTable = {
      ...before,
      name: patch.name ?? before.name,
      labels: JSON.stringify(patch.labels === undefined ? labels : patchLabels(labels, patch.labels)),
      time_zone: patch.timeZone ?? before.time_zone,
    };
    if (after.name !== before.name) await requireFreeName(trx, project, after.name);
    const { name, labels: text, time_zone } = after;
    await trx
      .updateTable("devices")
      .set({ name, labels: text, time_zone })
      .where("project", "=", project)
      .where("id", "=", before.id)
      .execute();
    const now = toInstant(context.clock.now());
    await resettleDevice(trx, { before: toKnownDevice(before), after: toKnownDevice(after), now });
    await updateMembership(trx, toKnownDevice(after));
    await context.events.append(trx, {
      project,
      actor,
      action: "device.changed",
      subject: `device/${before.id}`,
      data: { ...patch },
    });
    context.database.afterCommit(trx, () => context.bus.publish("device.target", { project, device: before.id }));
    return after;
  });
}

/** Ends trust in the device's key for good: it is disconnected at once, and its registry tokens are worth nothing. */
export async function revokeDevice(context: Context, { project, device, actor }: DeviceChange): Promise<DevicesTable> {
  return context.database.write(async (trx) => {
    const row = await requireDevice(trx, project, device);
    if (row.revoked_at !== null) return row;
    const revoked_at = toInstant(context.clock.now());
    await trx
      .updateTable("devices")
      .set({ revoked_at })
      .where("project", "=", project)
      .where("id", "=", row.id)
      .execute();
    await markGone(trx, { project, device: row.id, now: revoked_at });
    const subject = `device/${row.id}`;
    await context.events.append(trx, { project, actor, action: "device.revoked", subject, data: { name: row.name } });
    context.database.afterCommit(trx, () => context.bus.publish("device.revoked", { project, device: row.id }));
    return { ...row, revoked_at };
  });
}

/** Forgets the device and all that was its own. Its events stay; its key may enrol again as another device. */
export async function deleteDevice(context: Context, { project, device, actor }: DeviceChange): Promise<void> {
  await context.database.write(async (trx) => {
    const { id, name } = await requireDevice(trx, project, device);
    await markGone(trx, { project, device: id, now: toInstant(context.clock.now()) });
    for (const table of ["device_apps", "device_targets", "assignments"] as const)
      await trx.deleteFrom(table).where("project", "=", project).where("device", "=", id).execute();
    await trx
      .deleteFrom("variables")
      .where("project", "=", project)
      .where("scope", "=", "device")
      .where("scope_of", "=", id)
      .execute();
    await trx.deleteFrom("devices").where("project", "=", project).where("id", "=", id).execute();
    await context.events.append(trx, {
      project,
      actor,
      action: "device.deleted",
      subject: `device/${id}`,
      data: { name },
    });
    context.database.afterCommit(trx, () => context.bus.publish("device.revoked", { project, device: id }));
  });
}

/** Lets a connected device try the release again that it last failed on. Throws `device-offline`, `nothing-to-retry`. */
export async function retryApp(
  context: Context,
  presence: Presence,
  { project, device, actor, app }: DeviceChange & { readonly app: string },
): Promise<string> {
  return context.database.write(async (trx) => {
    const { id, name } = await requireDevice(trx, project, device);
    const row = await trx
      .selectFrom("device_apps")
      .select("state")
      .where("project", "=", project)
      .where("device", "=", id)
      .where("app", "=", app)
      .executeTakeFirst();
    const verdict = row === undefined ? undefined : (JSON.parse(row.state) as AppState).verdict;
    if (verdict === undefined || verdict.kind === "commit")
      throw new CodedError("nothing-to-retry", `${app} has not failed on ${name}`);
    if (!presence.isOnline(id))
      throw new CodedError("device-offline", `${name} is not connected; ask again when it is`);
    const { release } = verdict;
    const subject = `device/${id}`;
    await context.events.append(trx, { project, actor, action: "device.retried", subject, data: { app, release } });
    context.database.afterCommit(trx, () =>
      context.bus.publish("device.forgive", { project, device: id, app, release }),
    );
    return release;
  });
}

async function requireFreeName(trx: Trx, project: string, name: string): Promise<void> {
  const taken = await trx
    .selectFrom("devices")
    .select("id")
    .where("project", "=", project)
    .where("name", "=", name)
    .executeTakeFirst();
  if (taken !== undefined) throw new CodedError("already-exists", `project ${project} already has a device ${name}`);
}
