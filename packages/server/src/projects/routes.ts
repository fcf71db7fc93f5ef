import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { Page, PageQuery } from "@flotilla/protocol/api/paging";
import { CreateProjectRequest, Project, ProjectPath } from "@flotilla/protocol/api/users";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import { requirePerson } from "../users/token-routes.ts";
import { visibleProjects } from "../users/visible-projects.ts";

const tags = ["projects"];

/** Projects: the tenants of the server. */
export function registerProjects(app: App, context: Context): void {
  registerListProjects(app, context);
  registerCreateProject(app, context);
  registerGetProject(app, context);
}

function registerListProjects(app: App, context: Context): void {
  app.get(
    "/api/v1/projects",
    {
      config: { access: "signed-in" },
      schema: {
        tags,
        operationId: "listProjects",
        summary: "Projects that one may see",
        querystring: PageQuery,
        response: { 200: Page(Project), ...problemResponses(400, 401) },
      },
    },
    async (request) => {
      const limit = pageSize(request.query);
      const [after = ""] = decodeCursor(request.query.cursor, ["string"]) ?? [];
      const principal = requirePerson(request.principal);
      const rows = await visibleProjects(context, principal, { after, limit: limit + 1 });
      return toPage(rows, limit, { item: describeProject, key: (row) => [row.name] });
    },
  );
}

function registerCreateProject(app: App, context: Context): void {
  app.post(
    "/api/v1/projects",
    {
      config: { access: { permission: "project:manage", scope: "server" } },
      schema: {
        tags,
        operationId: "createProject",
        summary: "Make a project; its name never changes",
        body: CreateProjectRequest,
        response: { 201: Project, ...problemResponses(400, 401, 403, 409) },
      },
    },
    async (request, reply) => {
      const principal = requirePerson(request.principal);
      const { name, title } = request.body;
      const actor = context.access.actorOf(principal);
      const row = { name, title: title ?? name, created_at: toInstant(context.clock.now()) };
      await context.database.write(async (trx) => {
        const known = await trx.selectFrom("projects").select("name").where("name", "=", name).executeTakeFirst();
        if (known !== undefined) throw new CodedError("already-exists", `there is a project ${name} already`);
        await trx.insertInto("projects").values(row).execute();
        await trx
          .insertInto("members")
          .values({ project: name, user_id: principal.userId, role: "owner", added_at: row.created_at })
          .execute();
        await context.events.append(trx, {
          project: name,
          actor,
          action: "project.created",
          subject: `project/${name}`,
        });
      });
      return reply.status(201).send(describeProject(row));
    },
  );
}

function registerGetProject(app: App, { database }: Context): void {
  app.get(
    "/api/v1/projects/:project",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "getProject",
        summary: "One project",
        params: ProjectPath,
        response: { 200: Project, ...problemResponses(401, 403, 404) },
      },
    },
    async (request) => {
      const row = await database.read
        .selectFrom("projects")
        .selectAll()
        .where("name", "=", request.params.project)
        .executeTakeFirstOrThrow();
      return describeProject(row);
    },
  );
}

function describeProject(row: { readonly name: string; readonly title: string; readonly created_at: string }): Project {
  return { name: row.name, title: row.title, createdAt: row.created_at };
}
