import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { Page, PageQuery } from "@flotilla/protocol/api/paging";
import { ApiToken, CreatedToken, CreateTokenRequest, ProjectPath, TokenPath } from "@flotilla/protocol/api/users";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import type { Principal } from "./access.ts";
import { type Permission, parsePermission } from "./roles.ts";
import { createApiToken, describeToken } from "./tokens.ts";

const DEFAULT_DAYS = 90;
const tags = ["tokens"];
const config = { access: { permission: "token:manage" } } as const;

/** API tokens of a project. */
export function registerTokens(app: App, context: Context): void {
  registerListTokens(app, context);
  registerCreateToken(app, context);
  registerRevokeToken(app, context);
}

function registerListTokens(app: App, { database }: Context): void {
  app.get(
    "/api/v1/projects/:project/tokens",
    {
      config,
      schema: {
        tags,
        operationId: "listTokens",
        summary: "API tokens of the project",
        params: ProjectPath,
        querystring: PageQuery,
        response: { 200: Page(ApiToken), ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const limit = pageSize(request.query);
      const [after = ""] = decodeCursor(request.query.cursor, ["string"]) ?? [];
      const rows = await database.read
        .selectFrom("api_tokens")
        .selectAll()
        .where("project", "=", request.params.project)
        .where("id", ">", after)
        .orderBy("id")
        .limit(limit + 1)
        .execute();
      return toPage(rows, limit, { item: describeToken, key: (row) => [row.id] });
    },
  );
}

function registerCreateToken(app: App, context: Context): void {
  app.post(
    "/api/v1/projects/:project/tokens",
    {
      config,
      schema: {
        tags,
        operationId: "createToken",
        summary: "Make an API token; it is shown this once",
        params: ProjectPath,
        body: CreateTokenRequest,
        response: { 201: CreatedToken, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { project } = request.params;
      const principal = requirePerson(request.principal);
      const scopes = await grantableScopes(context, principal, { project, names: request.body.scopes });
      const created = await context.database.write((trx) =>
        createApiToken(trx, context, {
          actor: context.access.actorOf(principal),
          userId: principal.userId,
          project,
          name: request.body.name,
          scopes,
          days: request.body.expiresInDays ?? DEFAULT_DAYS,
        }),
      );
      return reply.status(201).send(created);
    },
  );
}

function registerRevokeToken(app: App, { database, events, access, clock }: Context): void {
  app.delete(
    "/api/v1/projects/:project/tokens/:token",
    {
      config,
      schema: {
        tags,
        operationId: "revokeToken",
        summary: "Revoke an API token at once and for good",
        params: TokenPath,
        response: { 204: Type.Null(), ...problemResponses(401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { project, token } = request.params;
      const actor = access.actorOf(requirePerson(request.principal));
      await database.write(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable("api_tokens")
          .set({ revoked_at: toInstant(clock.now()) })
          .where("id", "=", token)
          .where("project", "=", project)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (numUpdatedRows === 0n)
          throw new CodedError("not-found", "there is no live token with this id in the project");
        await events.append(trx, { project, actor, action: "token.revoked", subject: `token/${token}` });
      });
      return reply.status(204).send(null);
    },
  );
}

/** The scopes by name, each of which the maker holds: a token never exceeds its maker. */
async function grantableScopes(
  { access }: Context,
  principal: Principal,
  { project, names }: { readonly project: string; readonly names: readonly string[] },
): Promise<readonly Permission[]> {
  const scopes: Permission[] = [];
  for (const name of new Set(names)) {
    const scope = parsePermission(name);
    if (scope === undefined) throw new CodedError("invalid-request", `body/scopes: there is no permission ${name}`);
    if (!(await access.allows(principal, scope, project)))
      throw new CodedError("role-exceeded", `you do not hold ${scope} in this project, so no token of yours can`);
    scopes.push(scope);
  }
  return scopes;
}

/** A user, or a token that acts for one. */
export function requirePerson(principal: Principal | undefined): Exclude<Principal, { kind: "device" }> {
  if (principal === undefined || principal.kind === "device")
    throw new CodedError("forbidden", "only people and their API tokens may do this");
  return principal;
}
