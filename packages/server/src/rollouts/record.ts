import type { AppProblem } from "@flotilla/protocol/api/devices";
import type { AppState } from "@flotilla/protocol/device";
import type { Transaction } from "kysely";
import type { Tables } from "../store/tables.ts";
import { changes, type Observed, observe } from "./outcome.ts";
import type { RolloutMembersTable } from "./tables.ts";

type Trx = Transaction<Tables>;

/**
 * Writes down what became of a device's rollouts, from its target and its reports as they now stand. Called in the transaction that changes either, so
 * that no outcome is ever lost. True when an outcome changed.
 */
export async function recordOutcomes(
  trx: Trx,
  { project, device, now }: { readonly project: string; readonly device: string; readonly now: string },
): Promise<boolean> {
  const assigned = await trx
    .selectFrom("assignments")
    .innerJoin("rollout_members as member", (join) =>
      join
        .onRef("member.project", "=", "assignments.project")
        .onRef("member.rollout", "=", "assignments.rollout")
        .onRef("member.device", "=", "assignments.device"),
    )
    .selectAll("member")
    .select(["assignments.app", "assignments.release"])
    .where("assignments.project", "=", project)
    .where("assignments.device", "=", device)
    .execute();
  if (assigned.length === 0) return false;
  const target = await readTarget(trx, project, device);
  let changed = false;
  for (const member of assigned) {
    const state = await readState(trx, { project, device, app: member.app });
    const evidence = {
      ...(target.apps[member.app] === undefined ? {} : { target: target.apps[member.app] }),
      ...(target.problems[member.app] === undefined ? {} : { problem: target.problems[member.app] }),
      ...(state === undefined ? {} : { state }),
    };
    if (await recordOne(trx, member, observe(member.release, evidence as Parameters<typeof observe>[1]), now))
      changed = true;
  }
  return changed;
}

async function recordOne(trx: Trx, member: RolloutMembersTable, observed: Observed, now: string): Promise<boolean> {
  if (!changes({ outcome: member.outcome, reasonCode: member.reason_code }, observed)) return false;
  const decided = observed.outcome !== "pending";
  const same = observed.outcome === member.outcome && (observed.code ?? null) === member.reason_code;
  if (same && (decided || !observed.heard)) return false;
  await trx
    .updateTable("rollout_members")
    .set({
      outcome: observed.outcome,
      reason_code: observed.code ?? null,
      reason: observed.reason ?? null,
      decided_at: decided ? now : null,
      ...(observed.heard ? { heard_at: now } : {}),
    })
    .where("project", "=", member.project)
    .where("rollout", "=", member.rollout)
    .where("device", "=", member.device)
    .execute();
  return !same;
}

interface StoredTarget {
  readonly apps: Readonly<Record<string, { readonly release: string; readonly variablesHash: string }>>;
  readonly problems: Readonly<Record<string, AppProblem>>;
}

async function readTarget(trx: Trx, project: string, device: string): Promise<StoredTarget> {
  const row = await trx
    .selectFrom("device_targets")
    .select(["apps", "problems"])
    .where("project", "=", project)
    .where("device", "=", device)
    .executeTakeFirst();
  if (row === undefined) return { apps: {}, problems: {} };
  return {
    apps: JSON.parse(row.apps) as StoredTarget["apps"],
    problems: JSON.parse(row.problems) as StoredTarget["problems"],
  };
}

async function readState(
  trx: Trx,
  key: { readonly project: string; readonly device: string; readonly app: string },
): Promise<AppState | undefined> {
  const row = await trx
    .selectFrom("device_apps")
    .select("state")
    .where("project", "=", key.project)
    .where("device", "=", key.device)
    .where("app", "=", key.app)
    .executeTakeFirst();
  return row === undefined ? undefined : (JSON.parse(row.state) as AppState);
}
