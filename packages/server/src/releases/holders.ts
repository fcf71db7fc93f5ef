import type { AppState } from "@flotilla/protocol/device";
import { type Kysely, sql } from "kysely";
import type { Tables } from "../store/tables.ts";

/** Somebody because of whom a release must stay. */
export type Holder =
  /** A device that said last that it runs the release, or is moving to it. */
  | { readonly kind: "device"; readonly device: string; readonly name: string }
  /** A device that should run it: pinned, or by a rollout. */
  | { readonly kind: "assignment"; readonly device: string; readonly name: string; readonly source: string }
  /** A selector whose devices, those that join later too, get it. */
  | { readonly kind: "settlement"; readonly selector: string }
  /** A rollout that has not ended and brings it to devices, or would go back to it. */
  | { readonly kind: "rollout"; readonly rollout: string; readonly selector: string };

export interface HeldRelease {
  readonly project: string;
  readonly app: string;
  readonly digest: string;
}

/** Holders of each kind that are named; more are only more. */
const MAX_NAMED = 20;

/** Who runs the release by the last reports of devices that are not revoked. */
export async function runningOn(database: Kysely<Tables>, release: HeldRelease): Promise<readonly Holder[]> {
  const rows = await database
    .selectFrom("device_apps as a")
    .innerJoin("devices as d", (join) => join.onRef("d.project", "=", "a.project").onRef("d.id", "=", "a.device"))
    .select(["a.state", "d.id", "d.name"])
    .where("a.project", "=", release.project)
    .where("a.app", "=", release.app)
    .where("d.revoked_at", "is", null)
    .where(({ eb }) => eb(sql<number>`instr(a.state, ${release.digest})`, ">", 0))
    .orderBy("d.name")
    .execute();
  return rows
    .filter(({ state }) => names(JSON.parse(state) as AppState, release.digest))
    .slice(0, MAX_NAMED)
    .map(({ id, name }) => ({ kind: "device", device: id, name }));
}

/** A verdict on a release that does not run any more is history. */
function names({ release, target }: AppState, digest: string): boolean {
  return release === digest || target === digest;
}

/** Who should run the release: asked inside the transaction that deletes it. */
export async function assignedTo(database: Kysely<Tables>, release: HeldRelease): Promise<readonly Holder[]> {
  const { project, app, digest } = release;
  const assignments = await database
    .selectFrom("assignments as a")
    .innerJoin("devices as d", (join) => join.onRef("d.project", "=", "a.project").onRef("d.id", "=", "a.device"))
    .select(["d.id", "d.name", "a.source"])
    .where("a.project", "=", project)
    .where("a.app", "=", app)
    .where("a.release", "=", digest)
    .orderBy("d.name")
    .limit(MAX_NAMED)
    .execute();
  const settlements = await database
    .selectFrom("settlements")
    .select("selector")
    .where("project", "=", project)
    .where("app", "=", app)
    .where("release", "=", digest)
    .limit(MAX_NAMED)
    .execute();
  return [
    ...assignments.map(({ id, name, source }) => ({ kind: "assignment" as const, device: id, name, source })),
    ...settlements.map(({ selector }) => ({ kind: "settlement" as const, selector })),
    ...(await rolloutsOf(database, release)),
  ];
}

/** Rollouts that run or are paused. One that put devices on another release may still take them back to this one. */
async function rolloutsOf(database: Kysely<Tables>, { project, app, digest }: HeldRelease): Promise<readonly Holder[]> {
  const rows = await database
    .selectFrom("rollouts as r")
    .select(["r.id", "r.selector"])
    .where("r.project", "=", project)
    .where("r.app", "=", app)
    .where((where) =>
      where.or([
        where.and([where("r.ended_at", "is", null), where("r.release", "=", digest)]),
        where.exists(
          where
            .selectFrom("assignments as a")
            .select("a.device")
            .whereRef("a.project", "=", "r.project")
            .whereRef("a.app", "=", "r.app")
            .whereRef("a.rollout", "=", "r.id")
            .where("a.previous", "=", digest)
            .where(({ or, eb }) => or([eb("r.ended_at", "is", null), eb("r.active", "=", 1)])),
        ),
      ]),
    )
    .orderBy("r.id")
    .limit(MAX_NAMED)
    .execute();
  return rows.map(({ id, selector }) => ({ kind: "rollout", rollout: id, selector }));
}

/** The holder in words. */
export function describeHolder(holder: Holder): string {
  switch (holder.kind) {
    case "device":
      return `the device ${holder.name} runs it`;
    case "assignment":
      return `it is assigned to the device ${holder.name} (${holder.source})`;
    case "settlement":
      return `devices that match ${holder.selector === "" ? "everything" : holder.selector} get it`;
    case "rollout":
      return `the rollout ${holder.rollout} names it`;
  }
}
