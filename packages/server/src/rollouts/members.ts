import { createHash } from "node:crypto";
import type { RolloutStrategy } from "@flotilla/protocol/api/rollouts";
import type { Transaction } from "kysely";
import type { KnownDevice } from "../devices/devices.ts";
import { matches, parseSelector } from "../devices/selector.ts";
import type { Tables } from "../store/tables.ts";
import type { RolloutMembersTable } from "./tables.ts";

type Trx = Transaction<Tables>;

/** States in which a rollout still takes devices in. */
const OPEN_STATES = ["preparing", "running", "paused"] as const;
/** Outcomes that are not a device's final word. */
const UNDECIDED = ["waiting", "pending", "left-out"] as const;

/** The cohort order: the same devices come first in every rollout. */
export function rankOf(device: string): string {
  return createHash("sha256").update(device).digest("hex").slice(0, 32);
}

/** Takes devices in that are not members yet. */
export async function addMembers(
  trx: Trx,
  rollout: { readonly project: string; readonly id: string },
  devices: readonly string[],
): Promise<void> {
  if (devices.length === 0) return;
  await trx
    .insertInto("rollout_members")
    .values(devices.map((device) => newMember(rollout, device)))
    .onConflict((conflict) => conflict.columns(["project", "rollout", "device"]).doNothing())
    .execute();
}

/** After a device was enrolled or its labels changed: it joins rollouts whose last phase has not started, and leaves those that have not reached it. */
export async function updateMembership(trx: Trx, device: KnownDevice): Promise<void> {
  const open = await trx
    .selectFrom("rollouts")
    .select(["project", "id", "selector", "strategy", "phase"])
    .where("project", "=", device.project)
    .where("active", "=", 1)
    .where("state", "in", OPEN_STATES)
    .execute();
  for (const rollout of open) {
    if (!matches(parseSelector(rollout.selector), device)) await removeWaiting(trx, rollout, device.id);
    else if (!inLastPhase(rollout)) await addMembers(trx, rollout, [device.id]);
  }
}

/** Marks the devices in rollouts of the app that have not heard their final word: another release was given to them. */
export async function supersede(
  trx: Trx,
  change: {
    readonly project: string;
    readonly app: string;
    readonly devices: readonly string[];
    /** Only rollouts made before this one (ids sort by time); all without it. */
    readonly before?: string;
    readonly reason: string;
    readonly now: string;
  },
): Promise<void> {
  let rollouts = trx
    .selectFrom("rollouts")
    .select("id")
    .where("project", "=", change.project)
    .where("app", "=", change.app);
  if (change.before !== undefined) rollouts = rollouts.where("id", "<", change.before);
  await trx
    .updateTable("rollout_members")
    .set({ outcome: "superseded", reason_code: "superseded", reason: change.reason, decided_at: change.now })
    .where("project", "=", change.project)
    .where("device", "in", change.devices)
    .where("outcome", "in", UNDECIDED)
    .where("rollout", "in", rollouts)
    .execute();
}

/** Marks a device that was revoked or deleted in every rollout that waits for it. */
export async function markGone(
  trx: Trx,
  { project, device, now }: { readonly project: string; readonly device: string; readonly now: string },
): Promise<void> {
  await trx
    .updateTable("rollout_members")
    .set({ outcome: "gone", decided_at: now })
    .where("project", "=", project)
    .where("device", "=", device)
    .where("outcome", "in", UNDECIDED)
    .execute();
}

function newMember(rollout: { readonly project: string; readonly id: string }, device: string): RolloutMembersTable {
  return {
    project: rollout.project,
    rollout: rollout.id,
    device,
    rank: rankOf(device),
    phase: null,
    outcome: "waiting",
    reason_code: null,
    reason: null,
    started_at: null,
    heard_at: null,
    decided_at: null,
    previous: null,
  };
}

async function removeWaiting(
  trx: Trx,
  rollout: { readonly project: string; readonly id: string },
  device: string,
): Promise<void> {
  await trx
    .deleteFrom("rollout_members")
    .where("project", "=", rollout.project)
    .where("rollout", "=", rollout.id)
    .where("device", "=", device)
    .where("outcome", "=", "waiting")
    .execute();
}

function inLastPhase(rollout: { readonly strategy: string; readonly phase: number | null }): boolean {
  const { phases } = JSON.parse(rollout.strategy) as RolloutStrategy;
  return rollout.phase !== null && rollout.phase >= phases.length - 1;
}
