import {
  CreatedProvisioningToken,
  CreateProvisioningTokenRequest,
  ProjectParams,
  ProvisioningTokenList,
  ProvisioningTokenParams,
} from "@flotilla/protocol/api/devices";
import { PageQuery } from "@flotilla/protocol/api/paging";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import { actorOf } from "../http/actor.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import { createProvisioningToken, revokeProvisioningToken, toProvisioningToken } from "./provisioning.ts";

const PATH = "/api/v1/projects/:project/provisioning-tokens";
const config = { access: { permission: "device:enrol" } } as const;
const PROBLEMS = problemResponses(400, 401, 403, 404);

/** Tokens that enrol devices. */
export function registerProvisioningTokens(app: App, context: Context): void {
  registerList(app, context);
  registerCreate(app, context);
  registerRevoke(app, context);
}

function registerList(app: App, context: Context): void {
  app.get(
    PATH,
    {
      config,
      schema: {
        tags: ["devices"],
        operationId: "listProvisioningTokens",
        summary: "Tokens that enrol devices, newest first",
        params: ProjectParams,
        querystring: PageQuery,
        response: { 200: ProvisioningTokenList, ...PROBLEMS },
      },
    },
    async ({ params, query }) => {
      const limit = pageSize(query);
      const before = decodeCursor(query.cursor, ["string"])?.[0];
      let rows = context.database.read
        .selectFrom("provisioning_tokens")
        .selectAll()
        .where("project", "=", params.project)
        .orderBy("id", "desc")
        .limit(limit + 1);
      if (before !== undefined) rows = rows.where("id", "<", before);
      return toPage(await rows.execute(), limit, { item: toProvisioningToken, key: (row) => [row.id] });
    },
  );
}

function registerCreate(app: App, context: Context): void {
  app.post(
    PATH,
    {
      config,
      schema: {
        tags: ["devices"],
        operationId: "createProvisioningToken",
        summary: "Make a token that enrols devices; it is shown once",
        params: ProjectParams,
        body: CreateProvisioningTokenRequest,
        response: { 201: CreatedProvisioningToken, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const actor = actorOf(context, request);
      return reply.code(201).send(await createProvisioningToken(context, { ...request.body, project, actor }));
    },
  );
}

function registerRevoke(app: App, context: Context): void {
  app.delete(
    `${PATH}/:token`,
    {
      config,
      schema: {
        tags: ["devices"],
        operationId: "revokeProvisioningToken",
        summary: "End a token; devices that it enrolled stay",
        params: ProvisioningTokenParams,
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { project, token: id } = request.params;
      await revokeProvisioningToken(context, { project, id, actor: actorOf(context, request) });
      return reply.code(204).send(null);
    },
  );
}
