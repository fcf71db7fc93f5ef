import type { RolloutStrategy } from "@flotilla/protocol/api/rollouts";
import type { Context } from "../context.ts";
import { applyDecision, prepare } from "./apply.ts";
import { type Member, type PlannedRollout, plan } from "./plan.ts";
import type { RolloutsTable } from "./tables.ts";

/** Deadlines are looked at this often. */
const TICK_MS = 10_000;
/** News that come together are looked at together. */
const SETTLE_MS = 200;
/** Plans of one rollout in one look; more would mean that planner and tables disagree. */
const MAX_ROUNDS = 200;

/** Moves rollouts on. */
export interface RolloutController {
  /** Looks at every rollout that may have something to do, until nothing is left to do now. */
  step(): Promise<void>;
  /** Looks again at every hint and tick, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createRolloutController(context: Context): RolloutController {
  const { clock, log } = context;
  const startedAt = clock.now();
  const step = async () => {
    for (const rollout of await activeRollouts(context)) {
      try {
        await advance(context, rollout, startedAt);
      } catch (error) {
        log.error({ error, rollout: rollout.id }, "rollout not moved on");
      }
    }
  };
  return {
    step,
    async run(signal) {
      const hints = listen(context);
      try {
        while (!signal.aborted) {
          await step();
          await hints.next(TICK_MS, signal);
          await clock.sleep(SETTLE_MS, signal).catch(() => undefined);
        }
      } finally {
        hints.stop();
      }
    },
  };
}

interface Hints {
  /** Resolves at a hint that came since the last call, after `ms`, or when the signal aborts. */
  next(ms: number, signal: AbortSignal): Promise<void>;
  stop(): void;
}

function listen({ bus, clock }: Context): Hints {
  let woken = new AbortController();
  const wake = () => woken.abort();
  const stops = [bus.subscribe("device.report", wake), bus.subscribe("rollout.changed", wake)];
  return {
    async next(ms, signal) {
      await clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
      woken = new AbortController();
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

async function advance(context: Context, first: RolloutsTable, startedAt: number): Promise<void> {
  if (first.state === "preparing") await prepare(context, first);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const rollout = await readRollout(context, first);
    if (rollout === undefined || rollout.active === 0) return;
    const listeningSince = Math.max(startedAt, Date.parse(rollout.resumed_at ?? rollout.created_at));
    const time = { now: context.clock.now(), listeningSince };
    const decisions = plan(await toPlanned(context, rollout), await readMembers(context, rollout), time);
    if (decisions.length === 0) return;
    for (const decision of decisions) if (!(await applyDecision(context, rollout, decision))) break;
  }
  throw new Error(`rollout ${first.id} does not come to rest`);
}

function activeRollouts({ database }: Context): Promise<RolloutsTable[]> {
  return database.read
    .selectFrom("rollouts")
    .selectAll()
    .where("active", "=", 1)
    .where("state", "!=", "paused")
    .orderBy("id")
    .execute();
}

function readRollout({ database }: Context, { project, id }: RolloutsTable): Promise<RolloutsTable | undefined> {
  return database.read
    .selectFrom("rollouts")
    .selectAll()
    .where("project", "=", project)
    .where("id", "=", id)
    .executeTakeFirst();
}

async function toPlanned({ database }: Context, rollout: RolloutsTable): Promise<PlannedRollout> {
  const phases = await database.read
    .selectFrom("rollout_phases")
    .select("reach")
    .where("project", "=", rollout.project)
    .where("rollout", "=", rollout.id)
    .orderBy("phase")
    .execute();
  return {
    state: rollout.state,
    strategy: JSON.parse(rollout.strategy) as RolloutStrategy,
    phase: rollout.phase ?? undefined,
    reach: phases.map(({ reach }) => reach),
    putBack: rollout.put_back,
  };
}

async function readMembers({ database }: Context, { project, id }: RolloutsTable): Promise<readonly Member[]> {
  const rows = await database.read
    .selectFrom("rollout_members")
    .select(["device", "rank", "phase", "outcome", "started_at", "heard_at"])
    .where("project", "=", project)
    .where("rollout", "=", id)
    .execute();
  return rows.map((row) => ({
    device: row.device,
    rank: row.rank,
    phase: row.phase ?? undefined,
    outcome: row.outcome,
    startedAt: row.started_at === null ? undefined : Date.parse(row.started_at),
    heardAt: row.heard_at === null ? undefined : Date.parse(row.heard_at),
  }));
}
