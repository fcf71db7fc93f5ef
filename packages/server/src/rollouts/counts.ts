import { OUTCOMES, type OutcomeCounts } from "@flotilla/protocol/api/rollouts";
import type { Kysely } from "kysely";
import type { Tables } from "../store/tables.ts";

/** Devices of one rollout by outcome: all of them, and of each phase those that it started. */
export interface RolloutCounts {
  readonly all: OutcomeCounts;
  phase(index: number): OutcomeCounts;
}

/** Counts of several rollouts of one project, by id. */
export async function countOutcomes(
  database: Kysely<Tables>,
  project: string,
  rollouts: readonly string[],
): Promise<(rollout: string) => RolloutCounts> {
  const rows =
    rollouts.length === 0
      ? []
      : await database
          .selectFrom("rollout_members")
          .select(["rollout", "phase", "outcome"])
          .select((select) => select.fn.countAll<number>().as("count"))
          .where("project", "=", project)
          .where("rollout", "in", rollouts)
          .groupBy(["rollout", "phase", "outcome"])
          .execute();
  const add = (those: typeof rows): OutcomeCounts => {
    const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as OutcomeCounts;
    for (const { outcome, count } of those) counts[outcome] += Number(count);
    return counts;
  };
  return (rollout) => {
    const own = rows.filter((row) => row.rollout === rollout);
    return { all: add(own), phase: (index) => add(own.filter(({ phase }) => phase === index)) };
  };
}

/** Why devices failed, most often first. */
export async function failureReasons(
  database: Kysely<Tables>,
  { project, id }: { readonly project: string; readonly id: string },
): Promise<readonly { readonly code: string; readonly count: number }[]> {
  const rows = await database
    .selectFrom("rollout_members")
    .select("reason_code")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("project", "=", project)
    .where("rollout", "=", id)
    .where("outcome", "=", "failed")
    .groupBy("reason_code")
    .execute();
  return rows
    .map(({ reason_code, count }) => ({ code: reason_code ?? "unknown", count: Number(count) }))
    .sort((a, b) => b.count - a.count)
    .slice(0, 10);
}
