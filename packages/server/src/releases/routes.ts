import { PageQuery } from "@flotilla/protocol/api/paging";
import {
  AppList,
  AppParams,
  CreateReleaseRequest,
  ReleaseDetail,
  ReleaseList,
  ReleaseParams,
  ReleasePreview,
} from "@flotilla/protocol/api/releases";
import { ProjectPath } from "@flotilla/protocol/api/users";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import type { ReleasePorts } from "./admit.ts";
import { createRelease } from "./create.ts";
import { deleteRelease } from "./delete.ts";
import { registerDiff } from "./diff/route.ts";
import { listApps, listReleases } from "./list.ts";
import type { Releases } from "./port.ts";
import { detailOf, findRelease, knownRelease, requireRelease } from "./rows.ts";
import { registerTransfer } from "./transfer/routes.ts";

const tags = ["releases"];
/** Largest application that is accepted. */
const MAX_RELEASE_BODY_BYTES = 4 * 1024 * 1024;

/** Apps and releases: made, listed, shown. */
export function registerReleases(app: App, ports: ReleasePorts): void {
  registerCreate(app, ports);
  registerLists(app, ports.context);
  registerDetail(app, ports.context);
  registerDelete(app, ports.context);
  registerDiff(app, ports);
  registerTransfer(app, ports);
}

/** Releases as other features ask for them. */
export function createReleases(context: Pick<Context, "database">): Releases {
  return {
    async find(project, app, digestOrTag) {
      const row = await findRelease(context, project, app, digestOrTag);
      return row && knownRelease(row);
    },
  };
}

function registerCreate(app: App, ports: ReleasePorts): void {
  app.post(
    "/api/v1/projects/:project/apps/:app/releases",
    {
      bodyLimit: MAX_RELEASE_BODY_BYTES,
      config: { access: { permission: "release:create" } },
      schema: {
        tags,
        operationId: "createRelease",
        summary: "Make a release of images that are in the project's registry",
        description:
          "201 with the new release, 200 with the one that was made of the same app and images before, or with what the gate says when `dryRun` is set. `release-blocked` (422) carries `reasons`.",
        params: AppParams,
        body: CreateReleaseRequest,
        response: {
          200: Type.Union([ReleaseDetail, ReleasePreview]),
          201: ReleaseDetail,
          ...problemResponses(400, 401, 403, 404, 413, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const { project, app: name } = request.params;
      const principal = await ports.context.access.require(request.principal, "release:create", project);
      const actor = ports.context.access.actorOf(principal);
      const result = await createRelease(ports, { project, app: name, request: request.body, actor });
      // Serialised as it is: the two kinds of answer, and unions within them, are not for a schema-driven writer.
      reply.serializer(JSON.stringify);
      if (result.kind === "preview") return reply.status(200).send({ gate: result.gate });
      return reply.status(result.kind === "created" ? 201 : 200).send(detailOf(result.row));
    },
  );
}

function registerLists(app: App, context: Context): void {
  app.get(
    "/api/v1/projects/:project/apps",
    {
      config: { access: { permission: "app:read" } },
      schema: {
        tags,
        operationId: "listApps",
        summary: "Apps with their newest release",
        params: ProjectPath,
        querystring: PageQuery,
        response: { 200: AppList, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => listApps(context, request.params.project, request.query),
  );
  app.get(
    "/api/v1/projects/:project/apps/:app/releases",
    {
      config: { access: { permission: "release:read" } },
      schema: {
        tags,
        operationId: "listReleases",
        summary: "Releases of an app, newest first",
        params: AppParams,
        querystring: PageQuery,
        response: { 200: ReleaseList, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => listReleases(context, request.params, request.query),
  );
}

function registerDelete(app: App, context: Context): void {
  app.delete(
    "/api/v1/projects/:project/apps/:app/releases/:release",
    {
      config: { access: { permission: "registry:delete" } },
      schema: {
        tags,
        operationId: "deleteRelease",
        summary: "Delete a release that nothing runs or names",
        description:
          "`in-use` (409) carries `holders`: devices that run it by their last report, assignments, selectors whose devices get it, and rollouts that have not ended. Its images stay in their repositories.",
        params: ReleaseParams,
        response: { 204: Type.Null(), ...problemResponses(401, 403, 404, 409) },
      },
    },
    async (request, reply) => {
      const { project, app: name, release } = request.params;
      const principal = await context.access.require(request.principal, "registry:delete", project);
      await deleteRelease(context, { project, app: name, release, actor: context.access.actorOf(principal) });
      return reply.code(204).send(null);
    },
  );
}

function registerDetail(app: App, context: Context): void {
  app.get(
    "/api/v1/projects/:project/apps/:app/releases/:release",
    {
      config: { access: { permission: "release:read" }, etag: true },
      schema: {
        tags,
        operationId: "getRelease",
        summary: "One release by digest or tag",
        params: ReleaseParams,
        response: { 200: ReleaseDetail, ...problemResponses(401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { project, app: name, release } = request.params;
      const row = await requireRelease(context, project, name, release);
      return reply.serializer(JSON.stringify).send(detailOf(row));
    },
  );
}
