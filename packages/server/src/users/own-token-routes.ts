import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { Page, PageQuery } from "@flotilla/protocol/api/paging";
import { ApiToken, OwnTokenPath } from "@flotilla/protocol/api/users";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import { describeToken } from "./tokens.ts";
import { requireWholePerson } from "./whole-person.ts";

const tags = ["tokens"];
const config = { access: "signed-in" } as const;

/** One's own API tokens, those of the command line (which belong to no project) among them. */
export function registerOwnTokens(app: App, context: Context): void {
  app.get(
    "/api/v1/me/tokens",
    {
      config,
      schema: {
        tags,
        operationId: "listOwnTokens",
        summary: "API tokens that one made, in every project and for the command line",
        querystring: PageQuery,
        response: { 200: Page(ApiToken), ...problemResponses(400, 401, 403) },
      },
    },
    async (request) => {
      const { userId } = requireWholePerson(request.principal);
      const limit = pageSize(request.query);
      const [after = ""] = decodeCursor(request.query.cursor, ["string"]) ?? [];
      const rows = await context.database.read
        .selectFrom("api_tokens")
        .selectAll()
        .where("user_id", "=", userId)
        .where("id", ">", after)
        .orderBy("id")
        .limit(limit + 1)
        .execute();
      return toPage(rows, limit, { item: describeToken, key: (row) => [row.id] });
    },
  );
  registerRevokeOwnToken(app, context);
}

function registerRevokeOwnToken(app: App, { database, events, access, clock }: Context): void {
  app.delete(
    "/api/v1/me/tokens/:token",
    {
      config,
      schema: {
        tags,
        operationId: "revokeOwnToken",
        summary: "Revoke an API token that one made, at once and for good",
        params: OwnTokenPath,
        response: { 204: Type.Null(), ...problemResponses(401, 403, 404) },
      },
    },
    async (request, reply) => {
      const principal = requireWholePerson(request.principal);
      const { token } = request.params;
      await database.write(async (trx) => {
        const revoked = await trx
          .updateTable("api_tokens")
          .set({ revoked_at: toInstant(clock.now()) })
          .where("id", "=", token)
          .where("user_id", "=", principal.userId)
          .where("revoked_at", "is", null)
          .returning("project")
          .executeTakeFirst();
        if (revoked === undefined) throw new CodedError("not-found", "you have no live token with this id");
        const event = { project: revoked.project, action: "token.revoked", subject: `token/${token}` };
        await events.append(trx, { ...event, actor: access.actorOf(principal) });
      });
      return reply.status(204).send(null);
    },
  );
}
