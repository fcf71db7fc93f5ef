import type { Transaction } from "kysely";
import type { Tables } from "../store/tables.ts";
import { supersede } from "./members.ts";
import type { RolloutsTable } from "./tables.ts";

type Trx = Transaction<Tables>;
type Of = Pick<RolloutsTable, "project" | "id" | "app" | "release" | "tag">;

/**
 * Gives the rollout's release to devices that wait for it: assignment, membership of the phase and the release to go back to, all at once. Pinned devices
 * are left alone. Returns the devices that were started. At most a few hundred at a time.
 */
export async function startDevices(
  trx: Trx,
  rollout: Of,
  { devices, phase, now }: { readonly devices: readonly string[]; readonly phase: number; readonly now: string },
): Promise<readonly string[]> {
  const waiting = await membersOf(trx, rollout, devices);
  if (waiting.length === 0) return [];
  const before = await assignmentsOf(trx, rollout, waiting);
  const pinned = waiting.filter((device) => before.get(device)?.kind === "pinned");
  if (pinned.length > 0) await leavePinned(trx, rollout, pinned, now);
  const started = waiting.filter((device) => !pinned.includes(device));
  if (started.length === 0) return [];
  await assign(trx, rollout, { devices: started, before, now });
  const { project, app, id } = rollout;
  const reason = `rollout ${id} gave it ${rollout.tag}`;
  await supersede(trx, { project, app, devices: started, before: id, reason, now });
  await trx
    .updateTable("rollout_members")
    .set((set) => ({
      phase,
      outcome: "pending",
      started_at: now,
      previous: set
        .selectFrom("assignments")
        .select("assignments.previous")
        .where("assignments.project", "=", project)
        .where("assignments.app", "=", app)
        .whereRef("assignments.device", "=", "rollout_members.device"),
    }))
    .where("project", "=", project)
    .where("rollout", "=", id)
    .where("device", "in", started)
    .execute();
  return started;
}

/**
 * Gives devices that the rollout changed the release that they had before it; one that had none loses the app. Devices that something else was given to
 * since are left as they are. Returns the devices whose assignment changed.
 */
export async function putBackDevices(
  trx: Trx,
  { project, id, app }: Of,
  { devices, now }: { readonly devices: readonly string[]; readonly now: string },
): Promise<readonly string[]> {
  const ours = await trx
    .selectFrom("assignments")
    .select(["device", "previous"])
    .where("project", "=", project)
    .where("app", "=", app)
    .where("rollout", "=", id)
    .where("device", "in", devices)
    .execute();
  const withPrevious = ours.filter(({ previous }) => previous !== null).map(({ device }) => device);
  const without = ours.filter(({ previous }) => previous === null).map(({ device }) => device);
  const rows = { project, app };
  if (withPrevious.length > 0)
    await trx
      .updateTable("assignments")
      .set((set) => ({
        release: set.ref("previous").$notNull(),
        source: "settled",
        rollout: null,
        previous: null,
        assigned_at: now,
      }))
      .where((where) => where.and(rows))
      .where("device", "in", withPrevious)
      .execute();
  if (without.length > 0)
    await trx
      .deleteFrom("assignments")
      .where((where) => where.and(rows))
      .where("device", "in", without)
      .execute();
  const back = ours.map(({ device }) => device);
  const elsewhere = devices.filter((device) => !back.includes(device));
  await setOutcome(trx, { project, id, devices: back, outcome: "put-back", now });
  await setOutcome(trx, { project, id, devices: elsewhere, outcome: "superseded", now });
  return back;
}

type Before = { readonly kind: "pinned" } | { readonly kind: "assigned"; readonly goBackTo: string | null };

async function membersOf(trx: Trx, { project, id }: Of, devices: readonly string[]): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom("rollout_members")
    .select("device")
    .where("project", "=", project)
    .where("rollout", "=", id)
    .where("outcome", "=", "waiting")
    .where("device", "in", devices)
    .execute();
  return rows.map(({ device }) => device);
}

/** What the devices are assigned now. A release that an earlier rollout gave and that did not prove itself is nothing to go back to. */
async function assignmentsOf(
  trx: Trx,
  { project, app }: Of,
  devices: readonly string[],
): Promise<ReadonlyMap<string, Before>> {
  const rows = await trx
    .selectFrom("assignments as a")
    .leftJoin("rollouts as r", (join) => join.onRef("r.project", "=", "a.project").onRef("r.id", "=", "a.rollout"))
    .leftJoin("rollout_members as m", (join) =>
      join.onRef("m.project", "=", "a.project").onRef("m.rollout", "=", "a.rollout").onRef("m.device", "=", "a.device"),
    )
    .select(["a.device", "a.release", "a.previous", "a.source", "m.outcome", "r.state"])
    .where("a.project", "=", project)
    .where("a.app", "=", app)
    .where("a.device", "in", devices)
    .execute();
  return new Map(
    rows.map(({ device, release, previous, source, outcome, state }): [string, Before] => {
      if (source === "pin") return [device, { kind: "pinned" }];
      const unproven = outcome !== null && (outcome === "failed" || (outcome !== "committed" && state !== "finished"));
      return [device, { kind: "assigned", goBackTo: unproven ? previous : release }];
    }),
  );
}

async function assign(
  trx: Trx,
  { project, app, id, release }: Of,
  change: { readonly devices: readonly string[]; readonly before: ReadonlyMap<string, Before>; readonly now: string },
): Promise<void> {
  const rows = change.devices.map((device) => {
    const before = change.before.get(device);
    const previous = before?.kind === "assigned" ? before.goBackTo : null;
    return {
      project,
      device,
      app,
      release,
      source: "rollout" as const,
      rollout: id,
      previous,
      assigned_at: change.now,
    };
  });
  await trx
    .insertInto("assignments")
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(["project", "device", "app"]).doUpdateSet((set) => ({
        release: set.ref("excluded.release"),
        source: set.ref("excluded.source"),
        rollout: set.ref("excluded.rollout"),
        previous: set.ref("excluded.previous"),
        assigned_at: set.ref("excluded.assigned_at"),
      })),
    )
    .execute();
}

async function leavePinned(trx: Trx, { project, id }: Of, devices: readonly string[], now: string): Promise<void> {
  await trx
    .updateTable("rollout_members")
    .set({
      outcome: "superseded",
      reason_code: "pinned",
      reason: "the device is pinned to a release",
      decided_at: now,
    })
    .where("project", "=", project)
    .where("rollout", "=", id)
    .where("device", "in", devices)
    .execute();
}

async function setOutcome(
  trx: Trx,
  change: {
    readonly project: string;
    readonly id: string;
    readonly devices: readonly string[];
    readonly outcome: "put-back" | "superseded";
    readonly now: string;
  },
): Promise<void> {
  if (change.devices.length === 0) return;
  await trx
    .updateTable("rollout_members")
    .set({ outcome: change.outcome, decided_at: change.now })
    .where("project", "=", change.project)
    .where("rollout", "=", change.id)
    .where("device", "in", change.devices)
    .execute();
}
