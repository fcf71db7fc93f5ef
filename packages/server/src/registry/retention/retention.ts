import { toInstant } from "@flotilla/base/clock";
import { RetentionPolicy, type RetentionResult } from "@flotilla/protocol/api/registry-upkeep";
import type { Static } from "typebox";
import { Value } from "typebox/value";
import type { Actor } from "../../audit/events.ts";
import { applyPlan, type Removed, type RetentionPorts } from "./apply.ts";
import { loadRepository, repositoriesOf } from "./load.ts";
import { planRetention, ruleFor } from "./plan.ts";

/** Removals that an answer names. */
const MAX_NAMED = 1000;

/** The policies by which repositories let go of old images. */
export interface Retention {
  policyOf(project: string): Promise<RetentionPolicy>;
  setPolicy(project: string, policy: RetentionPolicy, actor: Actor): Promise<void>;
  /** What a run by this policy would remove now. */
  preview(project: string, policy: RetentionPolicy): Promise<RetentionResult>;
  run(project: string, actor: Actor): Promise<RetentionResult>;
  /** Every project that has a policy. */
  runAll(): Promise<void>;
}

const SYSTEM: Actor = { kind: "system", id: "registry" };

/** Retention over the database. */
export function createRetention(ports: RetentionPorts): Retention {
  const { database, clock } = ports;
  const each = async (
    project: string,
    policy: RetentionPolicy,
    act: (
      repository: string,
      removal: Omit<Parameters<typeof applyPlan>[1], "actor" | "repository">,
    ) => Promise<Removed>,
  ): Promise<RetentionResult> => {
    const result = { tags: 0, manifests: 0, removals: [] as RetentionResult["removals"] };
    for (const repository of await repositoriesOf(database.read, project)) {
      const rule = ruleFor(policy, repository.slice(project.length + 1));
      if (rule === undefined) continue;
      const state = await loadRepository(database.read, repository);
      const removed = await act(repository, { state, plan: planRetention(state, rule, clock.now()) });
      result.tags += removed.tags.length;
      result.manifests += removed.manifests.length;
      const named = [...removed.tags, ...removed.manifests.map((digest) => ({ digest }))];
      for (const each of named.slice(0, MAX_NAMED - result.removals.length))
        result.removals.push({ repository, ...each });
      await clock.sleep(0);
    }
    return result;
  };
  const retention: Retention = {
    policyOf: (project) => readPolicy(ports, project),
    setPolicy: (project, policy, actor) => writePolicy(ports, { project, policy, actor }),
    preview: (project, policy) => each(project, policy, async (_repository, { plan }) => plan),
    run: async (project, actor) =>
      each(project, await readPolicy(ports, project), (repository, removal) =>
        applyPlan(ports, { repository, actor, ...removal }),
      ),
    async runAll() {
      const rows = await database.read.selectFrom("registry_retention").select("project").execute();
      for (const { project } of rows) await retention.run(project, SYSTEM);
    },
  };
  return retention;
}

/** Without a policy everything stays. */
async function readPolicy({ database }: RetentionPorts, project: string): Promise<RetentionPolicy> {
  const row = await database.read
    .selectFrom("registry_retention")
    .select("policy")
    .where("project", "=", project)
    .executeTakeFirst();
  return row === undefined ? { rules: [] } : Value.Parse(RetentionPolicy, JSON.parse(row.policy));
}

interface PolicyChange {
  readonly project: string;
  readonly policy: Static<typeof RetentionPolicy>;
  readonly actor: Actor;
}

async function writePolicy(
  { database, events, clock }: RetentionPorts,
  { project, policy, actor }: PolicyChange,
): Promise<void> {
  const row = {
    policy: JSON.stringify(policy),
    updated_at: toInstant(clock.now()),
    updated_by: actor.name ?? actor.id,
  };
  await database.write(async (trx) => {
    await trx
      .insertInto("registry_retention")
      .values({ project, ...row })
      .onConflict((conflict) => conflict.column("project").doUpdateSet(row))
      .execute();
    const subject = `project/${project}`;
    await events.append(trx, { project, actor, action: "retention-policy.changed", subject, data: { ...policy } });
  });
}
