import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { uuidv7 } from "@flotilla/base/uuid";
import type { CreateRolloutRequest, RolloutState } from "@flotilla/protocol/api/rollouts";
import type { Kysely } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { formatSelector, parseSelector } from "../devices/selector.ts";
import type { KnownRelease } from "../releases/port.ts";
import type { Tables } from "../store/tables.ts";
import { countOutcomes } from "./counts.ts";
import { strategyOf } from "./strategy.ts";
import type { RolloutsTable } from "./tables.ts";

/** Which rollout, and who changes it. */
export interface RolloutChange {
  readonly project: string;
  readonly rollout: string;
  readonly actor: Actor;
}

/** The row of a rollout; throws `not-found`. */
export async function requireRollout(database: Kysely<Tables>, project: string, id: string): Promise<RolloutsTable> {
  const row = await database
    .selectFrom("rollouts")
    .selectAll()
    .where("project", "=", project)
    .where("id", "=", id)
    .executeTakeFirst();
  if (row === undefined) throw new CodedError("not-found", `project ${project} has no rollout ${id}`);
  return row;
}

/** Makes a rollout; the controller takes it from there. Throws `selector-invalid`, `phases-invalid`. */
export async function createRollout(
  context: Context,
  release: KnownRelease,
  { request, actor }: { readonly request: CreateRolloutRequest; readonly actor: Actor },
): Promise<RolloutsTable> {
  const { project, app, digest, tag } = release;
  const now = context.clock.now();
  const strategy = strategyOf(request);
  const row: RolloutsTable = {
    project,
    id: uuidv7(now),
    app,
    release: digest,
    tag,
    selector: formatSelector(parseSelector(request.selector ?? "")),
    strategy: JSON.stringify(strategy),
    state: "preparing",
    reason_code: null,
    reason: null,
    put_back: "none",
    active: 1,
    phase: null,
    created_at: toInstant(now),
    created_by: actor.name ?? actor.id,
    resumed_at: null,
    ended_at: null,
  };
  await context.database.write(async (trx) => {
    await trx.insertInto("rollouts").values(row).execute();
    const data = { app, release: digest, tag, selector: row.selector, strategy };
    const subject = `rollout/${row.id}`;
    await context.events.append(trx, { project, actor, action: "rollout.created", subject, data });
    context.database.afterCommit(trx, () => context.bus.publish("rollout.changed", { project, rollout: row.id }));
  });
  return row;
}

/** Starts no more devices until it is resumed; those that were started go on. Throws `rollout-not-running`. */
export function pauseRollout(context: Context, change: RolloutChange, message?: string): Promise<RolloutsTable> {
  return changeState(context, change, {
    from: ["running"],
    action: "rollout.paused",
    set: { state: "paused", reason_code: "paused", reason: message ?? `paused by ${nameOf(change.actor)}` },
  });
}

/** Goes on; deadlines count from now. Throws `rollout-not-paused`. */
export function resumeRollout(context: Context, change: RolloutChange): Promise<RolloutsTable> {
  return changeState(context, change, {
    from: ["paused"],
    action: "rollout.resumed",
    set: { state: "running", reason_code: null, reason: null, resumed_at: toInstant(context.clock.now()) },
  });
}

/** Ends it for good and, with `restore`, puts every device that it changed back; also after it stopped by itself. Throws `rollout-ended`. */
export function abortRollout(
  context: Context,
  change: RolloutChange,
  { restore, message }: { readonly restore: boolean; readonly message?: string | undefined },
): Promise<RolloutsTable> {
  return changeState(context, change, {
    from: ["preparing", "running", "paused", "stopped"],
    action: "rollout.aborted",
    set: {
      state: "aborted",
      active: 1,
      put_back: restore ? "all" : "none",
      reason_code: "aborted",
      reason: message ?? `aborted by ${nameOf(change.actor)}`,
      ended_at: toInstant(context.clock.now()),
    },
    data: { restore },
  });
}

interface StateChange {
  readonly from: readonly RolloutState[];
  readonly action: string;
  readonly set: Partial<RolloutsTable>;
  readonly data?: Readonly<Record<string, unknown>>;
}

const REFUSALS: Readonly<Record<string, string>> = {
  "rollout.paused": "rollout-not-running",
  "rollout.resumed": "rollout-not-paused",
  "rollout.aborted": "rollout-ended",
};

async function changeState(
  { database, events, bus }: Context,
  { project, rollout, actor }: RolloutChange,
  { from, action, set, data }: StateChange,
): Promise<RolloutsTable> {
  return database.write(async (trx) => {
    const row = await requireRollout(trx, project, rollout);
    if (!from.includes(row.state))
      throw new CodedError(REFUSALS[action] ?? "conflict", `the rollout is ${row.state}`, {
        details: { state: row.state },
      });
    await trx.updateTable("rollouts").set(set).where("project", "=", project).where("id", "=", rollout).execute();
    const counts = (await countOutcomes(trx, project, [rollout]))(rollout).all;
    const { app, release, tag } = row;
    const reason = set.reason === undefined || set.reason === null ? {} : { message: set.reason };
    await events.append(trx, {
      project,
      actor,
      action,
      subject: `rollout/${rollout}`,
      data: { app, release, tag, counts, ...reason, ...data },
    });
    database.afterCommit(trx, () => bus.publish("rollout.changed", { project, rollout }));
    return { ...row, ...set };
  });
}

function nameOf(actor: Actor): string {
  return actor.name ?? actor.id;
}
