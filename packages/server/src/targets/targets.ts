import { canonicalJson } from "@flotilla/base/canonical-json";
import { toInstant } from "@flotilla/base/clock";
import { Semaphore } from "@flotilla/base/semaphore";
import type { Envelope } from "@flotilla/protocol/dsse";
import type { AppTarget } from "@flotilla/protocol/target";
import type { Kysely } from "kysely";
import type { Context } from "../context.ts";
import { findDevice, type KnownDevice } from "../devices/devices.ts";
import { createGroupWrites, type GroupWrites } from "../devices/group-writes.ts";
import type { KnownRelease, Releases } from "../releases/port.ts";
import { recordOutcomes } from "../rollouts/record.ts";
import type { Tables } from "../store/tables.ts";
import type { Sealer } from "../variables/seal.ts";
import { valuesFor } from "../variables/store.ts";
import { type ComposedTarget, composeTarget } from "./compose-target.ts";
import type { TargetKey } from "./target-key.ts";

/** Targets worked out at the same time, and written in one transaction. */
const PARALLEL = 32;
const BATCH = 25;

/** What is stored of a target in clear: no values of variables. By app. */
export type TargetSummary = Readonly<
  Record<
    string,
    {
      readonly release: string;
      readonly repository: string;
      readonly variablesHash: string;
      /** Repositories of the release's images. */
      readonly images: readonly string[];
    }
  >
>;

export interface CurrentTarget {
  readonly version: number;
  /** Signs it. */
  envelope(): Envelope;
}

export interface Targets {
  /**
   * The device's target as it should be now, brought up to date: its version grows whenever its content changes, and beyond `heldVersion`, the one that the device
   * says it holds (the server may have been restored from a backup). Undefined when the device is gone.
   */
  current(project: string, device: string, heldVersion?: number): Promise<CurrentTarget | undefined>;
}

export interface TargetOptions {
  readonly context: Context;
  readonly releases: Releases;
  readonly sealer: Sealer;
  readonly key: TargetKey;
}

export function createTargets(options: TargetOptions): Targets {
  const gate = new Semaphore(PARALLEL);
  const work: Work = { ...options, writes: createGroupWrites(options.context.database, BATCH) };
  const locks = new Map<string, Promise<unknown>>();
  return {
    async current(project, device, heldVersion = 0) {
      // One at a time per device: an answer worked out from older rows must not be written over a newer one.
      const before = locks.get(device) ?? Promise.resolve();
      const run = before.then(() => gate.run(() => bringUpToDate(work, { project, device, heldVersion })));
      const settled = run.catch(() => undefined);
      locks.set(device, settled);
      try {
        return await run;
      } finally {
        if (locks.get(device) === settled) locks.delete(device);
      }
    },
  };
}

interface Work extends TargetOptions {
  readonly writes: GroupWrites;
}

interface Wanted {
  readonly project: string;
  readonly device: string;
  readonly heldVersion: number;
}

interface Stored {
  readonly version: number;
  readonly issuedAt: string;
  readonly apps: Readonly<Record<string, AppTarget>>;
  readonly problems: string;
}

const NONE: Stored = { version: 0, issuedAt: "", apps: {}, problems: "{}" };

async function bringUpToDate(options: Work, wanted: Wanted): Promise<CurrentTarget | undefined> {
  const { database } = options.context;
  const device = await findDevice(database.read, wanted.project, wanted.device);
  if (device === undefined || device.revoked) return undefined;
  const stored = await readStored(database.read, options.sealer, wanted);
  const { composed, known } = await compose(options, device, stored);
  const changed = canonicalJson(composed.apps) !== canonicalJson(stored.apps) || wanted.heldVersion > stored.version;
  const problems = canonicalJson(composed.problems);
  if (!changed && problems === stored.problems) {
    await recordUnlessNothingWaits(options, wanted);
    return toCurrent(options.key, wanted.device, stored);
  }
  const next: Stored = {
    version: changed ? Math.max(stored.version, wanted.heldVersion) + 1 : stored.version,
    issuedAt: changed ? toInstant(options.context.clock.now()) : stored.issuedAt,
    apps: composed.apps,
    problems,
  };
  await write(options, wanted, next, known);
  return toCurrent(options.key, wanted.device, next);
}

async function compose(
  { context, releases, sealer }: TargetOptions,
  device: KnownDevice,
  stored: Stored,
): Promise<{ readonly composed: ComposedTarget; readonly known: ReadonlyMap<string, KnownRelease> }> {
  const { project, id } = device;
  const rows = await context.database.read
    .selectFrom("assignments")
    .select(["app", "release"])
    .where("project", "=", project)
    .where("device", "=", id)
    .orderBy("app")
    .execute();
  const assigned = await Promise.all(
    rows.map(async ({ app, release }) => ({ app, release, known: await releases.find(project, app, release) })),
  );
  const names = new Set(assigned.flatMap(({ known }) => Object.keys(known?.variables ?? {})));
  const values = await valuesFor(context.database.read, sealer, { project, device: id, names: [...names] });
  const known = new Map<string, KnownRelease>();
  for (const one of assigned) if (one.known !== undefined) known.set(one.known.digest, one.known);
  return { composed: composeTarget({ device, assigned, values, previous: stored.apps }), known };
}

async function readStored(database: Kysely<Tables>, sealer: Sealer, wanted: Wanted): Promise<Stored> {
  const row = await database
    .selectFrom("device_targets")
    .selectAll()
    .where("project", "=", wanted.project)
    .where("device", "=", wanted.device)
    .executeTakeFirst();
  if (row === undefined) return NONE;
  const apps = JSON.parse(sealer.open(row.sealed_apps, placeOf(wanted))) as Stored["apps"];
  return { version: row.version, issuedAt: row.issued_at, apps, problems: row.problems };
}

async function write(
  { context, sealer, writes }: Work,
  wanted: Wanted,
  next: Stored,
  known: ReadonlyMap<string, KnownRelease>,
): Promise<void> {
  const { database, bus, clock } = context;
  const { project, device } = wanted;
  await writes.write(async (trx) => {
    const before = await trx
      .selectFrom("device_targets")
      .select("apps")
      .where("project", "=", project)
      .where("device", "=", device)
      .executeTakeFirst();
    const content = {
      version: next.version,
      issued_at: next.issuedAt,
      apps: JSON.stringify(summarise(next.apps, known, JSON.parse(before?.apps ?? "{}") as TargetSummary)),
      sealed_apps: sealer.seal(canonicalJson(next.apps), placeOf(wanted)),
      problems: next.problems,
    };
    await trx
      .insertInto("device_targets")
      .values({ project, device, ...content })
      .onConflict((conflict) => conflict.columns(["project", "device"]).doUpdateSet(content))
      .execute();
    const changed = await recordOutcomes(trx, { project, device, now: toInstant(clock.now()) });
    if (changed) database.afterCommit(trx, () => bus.publish("device.report", { project, device }));
  });
}

/** A rollout may have given the device what it already has: no report will tell, so what is known is looked at now. */
async function recordUnlessNothingWaits({ context, writes }: Work, wanted: Wanted): Promise<void> {
  const { database, bus, clock } = context;
  const { project, device } = wanted;
  const waiting = await database.read
    .selectFrom("rollout_members")
    .select("rollout")
    .where("project", "=", project)
    .where("device", "=", device)
    .where("outcome", "in", ["pending", "left-out"])
    .executeTakeFirst();
  if (waiting === undefined) return;
  await writes.write(async (trx) => {
    const changed = await recordOutcomes(trx, { project, device, now: toInstant(clock.now()) });
    if (changed) database.afterCommit(trx, () => bus.publish("device.report", { project, device }));
  });
}

function summarise(
  apps: Stored["apps"],
  known: ReadonlyMap<string, KnownRelease>,
  before: TargetSummary,
): TargetSummary {
  const entries = Object.entries(apps).map(([app, { release, repository, variablesHash }]) => {
    const images = known.get(release)?.document.images;
    // An app that is left on what it had is not among the releases just looked up.
    const repositories =
      images === undefined ? (before[app]?.images ?? []) : Object.values(images).map((image) => image.repository);
    return [app, { release, repository, variablesHash, images: [...new Set(repositories)] }] as const;
  });
  return Object.fromEntries(entries);
}

function toCurrent(key: TargetKey, device: string, stored: Stored): CurrentTarget {
  const { version, issuedAt, apps } = stored;
  return { version, envelope: () => key.sign({ format: 1, device, version, issuedAt, apps: { ...apps } }) };
}

function placeOf({ project, device }: Wanted): string {
  return `target/${project}/${device}`;
}
