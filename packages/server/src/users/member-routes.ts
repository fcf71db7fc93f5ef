import { Page, PageQuery } from "@flotilla/protocol/api/paging";
import {
  Invitation,
  InviteRequest,
  Member,
  MemberPath,
  ProjectPath,
  SetMemberRequest,
} from "@flotilla/protocol/api/users";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import { inviteUser, parseRole, removeMember, setMember } from "./members.ts";
import { requirePerson } from "./token-routes.ts";

const tags = ["members"];
const config = { access: { permission: "member:manage" } } as const;

/** Members of a project, and invitations. */
export function registerMembers(app: App, context: Context): void {
  registerListMembers(app, context);
  registerSetMember(app, context);
  registerRemoveMember(app, context);
  registerInvite(app, context);
}

function registerListMembers(app: App, { database }: Context): void {
  app.get(
    "/api/v1/projects/:project/members",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "listMembers",
        summary: "Members of the project and their roles",
        params: ProjectPath,
        querystring: PageQuery,
        response: { 200: Page(Member), ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const limit = pageSize(request.query);
      const [after = ""] = decodeCursor(request.query.cursor, ["string"]) ?? [];
      const rows = await database.read
        .selectFrom("members")
        .innerJoin("users", "users.id", "members.user_id")
        .select(["members.user_id", "users.email", "members.role", "members.added_at"])
        .where("members.project", "=", request.params.project)
        .where("members.user_id", ">", after)
        .orderBy("members.user_id")
        .limit(limit + 1)
        .execute();
      return toPage(rows, limit, {
        item: (row) => ({ user: row.user_id, email: row.email, role: row.role, addedAt: row.added_at }),
        key: (row) => [row.user_id],
      });
    },
  );
}

function registerSetMember(app: App, context: Context): void {
  app.put(
    "/api/v1/projects/:project/members/:user",
    {
      config,
      schema: {
        tags,
        operationId: "setMember",
        summary: "Add somebody who has an account, or change their role",
        params: MemberPath,
        body: SetMemberRequest,
        response: { 200: Member, ...problemResponses(400, 401, 403, 404, 409) },
      },
    },
    async (request) => {
      const actor = context.access.actorOf(requirePerson(request.principal));
      const { project, user } = request.params;
      const role = parseRole(request.body.role);
      return context.database.write((trx) => setMember(trx, context, { actor, project, userId: user, role }));
    },
  );
}

function registerRemoveMember(app: App, context: Context): void {
  app.delete(
    "/api/v1/projects/:project/members/:user",
    {
      config,
      schema: {
        tags,
        operationId: "removeMember",
        summary: "Remove somebody from the project; their tokens there stop at once",
        params: MemberPath,
        response: { 204: Type.Null(), ...problemResponses(401, 403, 404, 409) },
      },
    },
    async (request, reply) => {
      const actor = context.access.actorOf(requirePerson(request.principal));
      const { project, user } = request.params;
      await context.database.write((trx) => removeMember(trx, context, { actor, project, userId: user }));
      return reply.status(204).send(null);
    },
  );
}

function registerInvite(app: App, context: Context): void {
  app.post(
    "/api/v1/users",
    {
      // The project stands in the body, so the handler asks.
      config: { access: "signed-in" },
      schema: {
        tags,
        operationId: "inviteUser",
        summary: "Add somebody to a project by e-mail address",
        body: InviteRequest,
        response: { 201: Invitation, ...problemResponses(400, 401, 403, 404, 409) },
      },
    },
    async (request, reply) => {
      const { email, project, role } = request.body;
      const principal = requirePerson(await context.access.require(request.principal, "member:manage", project));
      const actor = context.access.actorOf(principal);
      const wanted = { actor, email: email.toLowerCase(), project, role: parseRole(role) };
      return reply.status(201).send(await context.database.write((trx) => inviteUser(trx, context, wanted)));
    },
  );
}
