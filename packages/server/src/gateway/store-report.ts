import { canonicalJson } from "@flotilla/base/canonical-json";
import { toInstant } from "@flotilla/base/clock";
import type { AppState, Report, Verdict } from "@flotilla/protocol/device";
import type { Transaction } from "kysely";
import type { Context } from "../context.ts";
import { recordOutcomes } from "../rollouts/record.ts";
import type { Tables } from "../store/tables.ts";
import type { Proven } from "./handshake.ts";

type Trx = Transaction<Tables>;

/** Apps that one device may report. */
export const MAX_APPS = 64;
/** What is kept of one app. */
const MAX_STATE_CHARACTERS = 256 * 1024;

/**
 * `stored`: it is in the database. `stale`: a later one already is. `full-needed`: it is a difference to something that is not stored.
 * `too-much`: more apps or text than a device may report. `gone`: the device was revoked or deleted.
 */
export type ReportResult = "stored" | "stale" | "full-needed" | "too-much" | "gone";

const VERDICT_ACTIONS: Readonly<Record<Verdict["kind"], string>> = {
  commit: "device.committed",
  rollback: "device.rolled-back",
  refused: "device.refused",
};

/** Stores one report: what changed of apps and facts, both clocks, events for new verdicts, outcomes of rollouts. */
export async function storeReport(
  trx: Trx,
  context: Context,
  { from, report }: { readonly from: Proven; readonly report: Report },
): Promise<ReportResult> {
  const { project, device } = from;
  const row = await trx
    .selectFrom("devices")
    .select(["report_epoch", "report_seq", "revoked_at"])
    .where("project", "=", project)
    .where("id", "=", device)
    .executeTakeFirst();
  if (row === undefined || row.revoked_at !== null) return "gone";
  if (row.report_epoch !== from.epoch && !report.full) return "full-needed";
  if (row.report_epoch === from.epoch && report.seq <= row.report_seq) return "stale";
  const now = toInstant(context.clock.now());
  const result = await storeApps(trx, context, { from, report, now });
  if (result !== "stored") return result;
  await trx
    .updateTable("devices")
    .set({
      report_epoch: from.epoch,
      report_seq: report.seq,
      reported_at: now,
      reported_device_time: report.deviceTime,
      reported_target_version: report.targetVersion,
      ...(report.facts === undefined ? {} : { facts: JSON.stringify(report.facts) }),
    })
    .where("project", "=", project)
    .where("id", "=", device)
    .execute();
  await recordOutcomes(trx, { project, device, now });
  context.database.afterCommit(trx, () => context.bus.publish("device.report", { project, device }));
  return "stored";
}

interface Work {
  readonly from: Proven;
  readonly report: Report;
  readonly now: string;
}

async function storeApps(trx: Trx, context: Context, { from, report, now }: Work): Promise<ReportResult> {
  const { project, device } = from;
  const rows = await trx
    .selectFrom("device_apps")
    .select(["app", "state"])
    .where("project", "=", project)
    .where("device", "=", device)
    .execute();
  const before = new Map(rows.map(({ app, state }) => [app, state]));
  const reported = new Map(Object.entries(report.apps ?? {}));
  const kept = report.full ? [] : [...before.keys()].filter((app) => reported.get(app) !== null);
  const present = new Set([...kept, ...[...reported].filter(([, state]) => state !== null).map(([app]) => app)]);
  const states = [...reported].flatMap(([app, state]) =>
    state === null ? [] : [{ app, state, text: canonicalJson(state) }],
  );
  if (present.size > MAX_APPS || states.some(({ text }) => text.length > MAX_STATE_CHARACTERS)) return "too-much";
  const removed = [...before.keys()].filter((app) => !present.has(app));
  if (removed.length > 0)
    await trx
      .deleteFrom("device_apps")
      .where("project", "=", project)
      .where("device", "=", device)
      .where("app", "in", removed)
      .execute();
  for (const { app, state, text } of states) {
    if (before.get(app) === text) continue;
    await upsertState(trx, { project, device, app, state: text, reported_at: now });
    const verdict = newVerdict(before.get(app), state);
    if (verdict !== undefined) await appendVerdict(trx, context, { from, app, verdict });
  }
  return "stored";
}

async function upsertState(trx: Trx, row: Tables["device_apps"]): Promise<void> {
  const { state, reported_at } = row;
  await trx
    .insertInto("device_apps")
    .values(row)
    .onConflict((conflict) => conflict.columns(["project", "device", "app"]).doUpdateSet({ state, reported_at }))
    .execute();
}

function newVerdict(before: string | undefined, state: AppState): Verdict | undefined {
  const old = before === undefined ? undefined : (JSON.parse(before) as AppState).verdict;
  if (state.verdict === undefined) return undefined;
  return canonicalJson(old ?? null) === canonicalJson(state.verdict) ? undefined : state.verdict;
}

async function appendVerdict(
  trx: Trx,
  { events }: Context,
  { from, app, verdict }: { readonly from: Proven; readonly app: string; readonly verdict: Verdict },
): Promise<void> {
  const { release, variablesHash, code, reason, at } = verdict;
  await events.append(trx, {
    project: from.project,
    actor: { kind: "device", id: from.device, name: from.name },
    action: VERDICT_ACTIONS[verdict.kind],
    subject: `device/${from.device}`,
    data: { name: from.name, app, release, variablesHash, code, reason, deviceTime: at },
  });
}
