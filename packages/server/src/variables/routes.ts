import { CodedError } from "@flotilla/base/errors";
import { ProjectParams } from "@flotilla/protocol/api/devices";
import {
  DeleteVariableQuery,
  SetVariableRequest,
  Variable,
  VariableList,
  VariableListQuery,
  VariableParams,
  type VariableScope,
} from "@flotilla/protocol/api/variables";
import { sql } from "kysely";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import { publishTargets } from "../devices/affected.ts";
import { requireDevice } from "../devices/devices.ts";
import { formatSelector, parseSelector } from "../devices/selector.ts";
import { actorOf } from "../http/actor.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import type { Sealer } from "./seal.ts";
import { deleteVariable, type StoredScope, setVariable, toVariable } from "./store.ts";

const PATH = "/api/v1/projects/:project/variables";
const MANAGE = { access: { permission: "variable:manage" } } as const;
const tags = ["variables"];

/** Values that devices fill into releases. */
export function registerVariables(app: App, context: Context, sealer: Sealer): void {
  registerList(app, context);
  registerSet(app, context, sealer);
  registerDelete(app, context);
}

function registerList(app: App, { database }: Context): void {
  app.get(
    PATH,
    {
      config: { access: { permission: "variable:read" }, etag: true },
      schema: {
        tags,
        operationId: "listVariables",
        summary: "Variables by name; secrets without their value",
        params: ProjectParams,
        querystring: VariableListQuery,
        response: { 200: VariableList, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async ({ params, query }) => {
      const limit = pageSize(query);
      const [name, scope, of] = decodeCursor(query.cursor, ["string", "string", "string"]) ?? ["", "", ""];
      const rows = await database.read
        .selectFrom("variables")
        .selectAll()
        .where("project", "=", params.project)
        .where(sql<boolean>`(name, scope, scope_of) > (${name}, ${scope}, ${of})`)
        .orderBy("name")
        .orderBy("scope")
        .orderBy("scope_of")
        .limit(limit + 1)
        .execute();
      return toPage(rows, limit, { item: toVariable, key: (row) => [row.name, row.scope, row.scope_of] });
    },
  );
}

function registerSet(app: App, context: Context, sealer: Sealer): void {
  app.put(
    `${PATH}/:name`,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "setVariable",
        summary: "Set the value of one scope; devices that it concerns get it at once",
        params: VariableParams,
        body: SetVariableRequest,
        response: { 200: Variable, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const { project, name } = request.params;
      const { scope, value, secret = false, priority = 0 } = request.body;
      const actor = actorOf(context, request);
      const stored = await storedScope(context, project, scope);
      const row = await context.database.write((trx) =>
        setVariable(trx, context, sealer, { ...stored, project, name, value, secret, priority, actor }),
      );
      await publishTargets(context, project, concerned(stored));
      return toVariable(row);
    },
  );
}

function registerDelete(app: App, context: Context): void {
  app.delete(
    `${PATH}/:name`,
    {
      config: MANAGE,
      schema: {
        tags,
        operationId: "deleteVariable",
        summary: "Take the value of one scope away",
        params: VariableParams,
        querystring: DeleteVariableQuery,
        response: { 204: Type.Null(), ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { project, name } = request.params;
      const actor = actorOf(context, request);
      const stored = await storedScope(context, project, scopeIn(request.query));
      const found = await context.database.write((trx) =>
        deleteVariable(trx, context, { ...stored, project, name, actor }),
      );
      if (!found) throw new CodedError("not-found", `${name} has no value in this scope`);
      await publishTargets(context, project, concerned(stored));
      return reply.status(204).send(null);
    },
  );
}

async function storedScope(context: Context, project: string, scope: VariableScope): Promise<StoredScope> {
  switch (scope.kind) {
    case "project":
      return { scope: "project", scopeOf: "" };
    case "group":
      return { scope: "group", scopeOf: formatSelector(parseSelector(scope.selector)) };
    case "device": {
      const { id } = await requireDevice(context.database.read, project, scope.device);
      return { scope: "device", scopeOf: id };
    }
  }
}

function scopeIn({ scope, selector, device }: DeleteVariableQuery): VariableScope {
  if (scope === "project") return { kind: "project" };
  if (scope === "group" && selector !== undefined) return { kind: "group", selector };
  if (scope === "device" && device !== undefined) return { kind: "device", device };
  throw new CodedError("invalid-request", `the scope ${scope} needs a ${scope === "group" ? "selector" : "device"}`);
}

/** Selector of the devices that a scope concerns. */
function concerned({ scope, scopeOf }: StoredScope): string {
  return scope === "device" ? `id=${scopeOf}` : scopeOf;
}
