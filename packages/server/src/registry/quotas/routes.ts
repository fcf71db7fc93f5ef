import { toInstant } from "@flotilla/base/clock";
import { RegistryQuota, RegistryUsage } from "@flotilla/protocol/api/registry-upkeep";
import { ProjectPath } from "@flotilla/protocol/api/users";
import type { Actor } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { App } from "../../http/app.ts";
import { problemResponses } from "../../http/openapi.ts";
import { quotaOf, usageOf } from "./quota.ts";

const tags = ["registry"];

/** What a project uses and may use. Members read it; only who manages the whole server sets it. */
export function registerQuotas(app: App, context: Context): void {
  app.get(
    "/api/v1/projects/:project/registry/usage",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "getRegistryUsage",
        summary: "What the project has in the registry, and may have",
        params: ProjectPath,
        response: { 200: RegistryUsage, ...problemResponses(401, 403, 404) },
      },
    },
    (request) => describeUsage(context, request.params.project),
  );
  app.put(
    "/api/v1/projects/:project/registry/quota",
    {
      config: { access: { permission: "project:manage" } },
      schema: {
        tags,
        operationId: "setRegistryQuota",
        summary: "Set what the project may have in the registry (the server's owner only)",
        params: ProjectPath,
        body: RegistryQuota,
        response: { 200: RegistryUsage, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { project } = request.params;
      const principal = await context.access.require(request.principal, "project:manage", null);
      await setQuota(context, { project, quota: request.body, actor: context.access.actorOf(principal) });
      return describeUsage(context, project);
    },
  );
}

async function describeUsage({ database }: Context, project: string): Promise<RegistryUsage> {
  const [usage, quota] = await Promise.all([usageOf(database.read, project), quotaOf(database.read, project)]);
  return { ...usage, quota };
}

interface QuotaChange {
  readonly project: string;
  readonly quota: RegistryQuota;
  readonly actor: Actor;
}

async function setQuota({ database, events, clock }: Context, { project, quota, actor }: QuotaChange): Promise<void> {
  const row = {
    max_bytes: quota.maxBytes,
    max_manifests: quota.maxManifests,
    max_repositories: quota.maxRepositories,
    updated_at: toInstant(clock.now()),
    updated_by: actor.name ?? actor.id,
  };
  await database.write(async (trx) => {
    await trx
      .insertInto("registry_quotas")
      .values({ project, ...row })
      .onConflict((conflict) => conflict.column("project").doUpdateSet(row))
      .execute();
    const subject = `project/${project}`;
    await events.append(trx, { project, actor, action: "registry-quota.changed", subject, data: { ...quota } });
  });
}
