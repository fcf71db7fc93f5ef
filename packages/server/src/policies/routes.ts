import { createHash } from "node:crypto";
import { toInstant } from "@flotilla/base/clock";
import { parsePolicy } from "@flotilla/guard/policy/parse";
import { ProjectPolicy, SetPolicyRequest } from "@flotilla/protocol/api/releases";
import { ProjectPath } from "@flotilla/protocol/api/users";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import type { Tables } from "../store/tables.ts";
import { describePolicy } from "./policies.ts";

const tags = ["policy"];

/** The policy of a project: what blocks a release. */
export function registerPolicies(app: App, context: Context): void {
  app.get(
    "/api/v1/projects/:project/policy",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "getPolicy",
        summary: "The policy in force",
        params: ProjectPath,
        response: { 200: ProjectPolicy, ...problemResponses(401, 403, 404) },
      },
    },
    async (request) => describePolicy(context, request.params.project),
  );
  app.put(
    "/api/v1/projects/:project/policy",
    {
      config: { access: { permission: "policy:manage" } },
      schema: {
        tags,
        operationId: "setPolicy",
        summary: "Set the policy, or go back to the built-in one",
        params: ProjectPath,
        body: SetPolicyRequest,
        response: { 200: ProjectPolicy, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { project } = request.params;
      const principal = await context.access.require(request.principal, "policy:manage", project);
      const actor = context.access.actorOf(principal);
      const { text } = request.body;
      if (text !== null) parsePolicy(text, "the policy");
      await context.database.write((trx) => setPolicy(trx, context, { project, text, actor }));
      return describePolicy(context, project);
    },
  );
}

interface PolicyChange {
  readonly project: string;
  readonly text: string | null;
  readonly actor: Actor;
}

async function setPolicy(
  trx: Transaction<Tables>,
  { clock, events }: Context,
  { project, text, actor }: PolicyChange,
): Promise<void> {
  if (text === null) {
    const gone = await trx.deleteFrom("policies").where("project", "=", project).executeTakeFirst();
    if (gone.numDeletedRows > 0n)
      await events.append(trx, { project, actor, action: "policy.removed", subject: `project/${project}` });
    return;
  }
  const content = { text, updated_at: toInstant(clock.now()), updated_by: actor.name ?? actor.id };
  await trx
    .insertInto("policies")
    .values({ project, ...content })
    .onConflict((conflict) => conflict.column("project").doUpdateSet(content))
    .execute();
  const data = { sha256: createHash("sha256").update(text).digest("hex") };
  await events.append(trx, { project, actor, action: "policy.changed", subject: `project/${project}`, data });
}
