import { toInstant } from "@flotilla/base/clock";
import type { Transaction } from "kysely";
import { assignSettled, putSettlement } from "../assignments/settle.ts";
import type { Context } from "../context.ts";
import { matchingDevices } from "../devices/devices.ts";
import { parseSelector } from "../devices/selector.ts";
import type { Tables } from "../store/tables.ts";
import { countOutcomes, failureReasons } from "./counts.ts";
import { addMembers } from "./members.ts";
import type { Decision } from "./plan.ts";
import { putBackDevices, startDevices } from "./start-devices.ts";
import type { RolloutsTable } from "./tables.ts";

type Trx = Transaction<Tables>;

/** Devices changed in one transaction. */
const CHUNK = 100;
const ACTOR = { kind: "rule", id: "rollouts" } as const;

/**
 * Turns a decision into rows and events, in transactions that are short. False when the rollout is no longer in the state that was planned for: look again.
 * A crash between two transactions leaves something that the next plan goes on from.
 */
export async function applyDecision(context: Context, rollout: RolloutsTable, decision: Decision): Promise<boolean> {
  switch (decision.kind) {
    case "start-phase":
      return startPhase(context, rollout, decision);
    case "start-devices":
      return inChunks(context, rollout, decision.devices, (trx, devices, now) =>
        startDevices(trx, rollout, { devices, phase: decision.phase, now }),
      );
    case "put-back":
      return inChunks(context, rollout, decision.devices, (trx, devices, now) =>
        putBackDevices(trx, rollout, { devices, now }),
      );
    case "expire":
      return inChunks(context, rollout, decision.devices, async (trx, devices, now) => {
        await expire(trx, rollout, { ...decision, devices }, now);
        return [];
      });
    case "stop":
      return stop(context, rollout, decision);
    case "finish":
      return finish(context, rollout);
    case "rest":
      await context.database.write((trx) => update(trx, rollout, { active: 0 }));
      return true;
  }
}

/** Writes down which devices match, and lets the rollout run. */
export async function prepare(context: Context, rollout: RolloutsTable): Promise<void> {
  const { database } = context;
  for await (const chunk of matchingDevices(database.read, rollout.project, parseSelector(rollout.selector))) {
    const devices = chunk.map(({ id }) => id);
    await database.write(async (trx) => {
      const pins = await trx
        .selectFrom("assignments")
        .select("device")
        .where("project", "=", rollout.project)
        .where("app", "=", rollout.app)
        .where("source", "=", "pin")
        .where("device", "in", devices)
        .execute();
      const pinned = new Set(pins.map(({ device }) => device));
      await addMembers(
        trx,
        rollout,
        devices.filter((device) => !pinned.has(device)),
      );
    });
  }
  await database.write(async (trx) => {
    if (await stillIs(trx, rollout)) await update(trx, rollout, { state: "running" });
  });
}

async function startPhase(
  context: Context,
  rollout: RolloutsTable,
  { phase, reach }: Extract<Decision, { kind: "start-phase" }>,
): Promise<boolean> {
  return context.database.write(async (trx) => {
    if (!(await stillIs(trx, rollout))) return false;
    const started_at = toInstant(context.clock.now());
    const { project, id } = rollout;
    await update(trx, rollout, { phase });
    await trx.insertInto("rollout_phases").values({ project, rollout: id, phase, reach, started_at }).execute();
    await appendEvent(trx, context, rollout, "rollout.phase-started", { phase, reach });
    return true;
  });
}

async function stop(
  context: Context,
  rollout: RolloutsTable,
  { code, message }: Extract<Decision, { kind: "stop" }>,
): Promise<boolean> {
  const { onStop } = JSON.parse(rollout.strategy) as { readonly onStop: "hold" | "restore" };
  return context.database.write(async (trx) => {
    if (!(await stillIs(trx, rollout))) return false;
    await update(trx, rollout, {
      state: "stopped",
      reason_code: code,
      reason: message,
      put_back: onStop === "restore" ? "all" : "unfinished",
      ended_at: toInstant(context.clock.now()),
    });
    const failures = await failureReasons(trx, rollout);
    await appendEvent(trx, context, rollout, "rollout.stopped", {
      code,
      message,
      onStop,
      failures,
      phase: rollout.phase,
    });
    return true;
  });
}

async function finish(context: Context, rollout: RolloutsTable): Promise<boolean> {
  const { database, clock } = context;
  const { project, app, selector, release, id } = rollout;
  // What stands comes first: a device that joins while the others are looked through gets it by itself.
  const settled_at = toInstant(clock.now());
  const goesOn = await database.write(async (trx) => {
    if (!(await stillIs(trx, rollout))) return false;
    await putSettlement(trx, { project, app, selector, release, rollout: id, settled_at });
    return true;
  });
  if (!goesOn) return false;
  for await (const chunk of matchingDevices(database.read, project, parseSelector(selector)))
    await settleLateJoiners(
      context,
      rollout,
      chunk.map((device) => device.id),
    );
  return database.write(async (trx) => {
    if (!(await stillIs(trx, rollout))) return false;
    await update(trx, rollout, { state: "finished", active: 0, ended_at: toInstant(clock.now()) });
    await appendEvent(trx, context, rollout, "rollout.finished", {});
    return true;
  });
}

/** Devices that joined after the last phase had started get the release now, unless a later rollout has given them another. */
async function settleLateJoiners(context: Context, rollout: RolloutsTable, devices: readonly string[]): Promise<void> {
  const { project, app, release, id } = rollout;
  await context.database.write(async (trx) => {
    const members = await trx
      .selectFrom("rollout_members")
      .select("device")
      .where("project", "=", project)
      .where("rollout", "=", id)
      .where("outcome", "!=", "waiting")
      .where("device", "in", devices)
      .execute();
    const later = await trx
      .selectFrom("assignments")
      .select("device")
      .where("project", "=", project)
      .where("app", "=", app)
      .where("device", "in", devices)
      .where((where) => where.or([where("rollout", ">", id), where("source", "=", "pin")]))
      .execute();
    const except = new Set([...members, ...later].map(({ device }) => device));
    const late = devices.filter((device) => !except.has(device));
    await assignSettled(trx, { project, app, release, devices: late, now: toInstant(context.clock.now()) });
    publishAfter(context, trx, project, late);
  });
}

async function expire(
  trx: Trx,
  { project, id }: RolloutsTable,
  { outcome, code, devices }: Extract<Decision, { kind: "expire" }>,
  now: string,
): Promise<void> {
  const reasons = {
    "never-heard": "it did not take the release up within the deadline; it may be offline",
    "fell-silent": "it began and then said nothing until the deadline",
    "too-slow": "it was still at it after many deadlines",
  } as const;
  await trx
    .updateTable("rollout_members")
    .set({ outcome, reason_code: code, reason: reasons[code], decided_at: now })
    .where("project", "=", project)
    .where("rollout", "=", id)
    .where("outcome", "=", "pending")
    .where("device", "in", devices)
    .execute();
}

async function inChunks(
  context: Context,
  rollout: RolloutsTable,
  devices: readonly string[],
  change: (trx: Trx, devices: readonly string[], now: string) => Promise<readonly string[]>,
): Promise<boolean> {
  for (let start = 0; start < devices.length; start += CHUNK) {
    const done = await context.database.write(async (trx) => {
      if (!(await stillIs(trx, rollout))) return false;
      const now = toInstant(context.clock.now());
      publishAfter(context, trx, rollout.project, await change(trx, devices.slice(start, start + CHUNK), now));
      return true;
    });
    if (!done) return false;
  }
  return true;
}

/** Whether the rollout stands as it was planned for: a person may have paused or aborted it since. */
async function stillIs(trx: Trx, { project, id, state, phase }: RolloutsTable): Promise<boolean> {
  const row = await trx
    .selectFrom("rollouts")
    .select(["state", "phase"])
    .where("project", "=", project)
    .where("id", "=", id)
    .executeTakeFirst();
  return row?.state === state && row.phase === phase;
}

async function update(trx: Trx, { project, id }: RolloutsTable, change: Partial<RolloutsTable>): Promise<void> {
  await trx.updateTable("rollouts").set(change).where("project", "=", project).where("id", "=", id).execute();
}

async function appendEvent(
  trx: Trx,
  { events }: Context,
  rollout: RolloutsTable,
  action: string,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { project, id, app, release, tag } = rollout;
  const counts = (await countOutcomes(trx, project, [id]))(id).all;
  const subject = `rollout/${id}`;
  await events.append(trx, { project, actor: ACTOR, action, subject, data: { app, release, tag, counts, ...data } });
}

function publishAfter({ database, bus }: Context, trx: Trx, project: string, devices: readonly string[]): void {
  database.afterCommit(trx, () => {
    for (const device of devices) bus.publish("device.target", { project, device });
  });
}
