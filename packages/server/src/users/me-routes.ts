import { Me } from "@flotilla/protocol/api/users";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import type { Principal } from "./access.ts";
import { PERMISSIONS, type Permission } from "./roles.ts";
import { visibleProjects } from "./visible-projects.ts";

const MAX_PROJECTS = 200;

/** `/api/v1/me`: who asks, and what they may do where. */
export function registerMe(app: App, context: Context): void {
  app.get(
    "/api/v1/me",
    {
      config: { access: "signed-in", etag: true },
      schema: {
        tags: ["session"],
        operationId: "getMe",
        summary: "Who one is and what one may do",
        response: { 200: Me, ...problemResponses(401) },
      },
    },
    async (request) => describeMe(context, await requireSomebody(context, request.principal)),
  );
}

async function requireSomebody({ access }: Context, principal: Principal | undefined): Promise<Principal> {
  // `signed-in` let the request through, so there is one; require() keeps the type honest without a second rule.
  return principal ?? access.require(undefined, "project:read", null);
}

async function describeMe(context: Context, principal: Principal): Promise<Me> {
  const { access, database } = context;
  const projects: Me["projects"] = [];
  for (const project of await visibleProjects(context, principal, { after: "", limit: MAX_PROJECTS })) {
    const permissions: Permission[] = [];
    for (const permission of PERMISSIONS)
      if (await access.allows(principal, permission, project.name)) permissions.push(permission);
    projects.push({ name: project.name, ...(project.role === null ? {} : { role: project.role }), permissions });
  }
  if (principal.kind === "device")
    return { kind: "device", id: principal.deviceId, name: principal.deviceId, projects };
  const { server_role } = await database.read
    .selectFrom("users")
    .select("server_role")
    .where("id", "=", principal.userId)
    .executeTakeFirstOrThrow();
  const identity =
    principal.kind === "user"
      ? { kind: principal.kind, id: principal.userId, name: principal.email }
      : { kind: principal.kind, id: principal.tokenId, name: principal.name };
  return { ...identity, ...(server_role === null ? {} : { serverRole: server_role }), projects };
}
