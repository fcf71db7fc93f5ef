import { CreatedToken, ExchangeRequest, OneTimeCode } from "@flotilla/protocol/api/users";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { issueCode, takeCode } from "./codes.ts";
import { PERMISSIONS } from "./roles.ts";
import type { GuessLimits } from "./sign-in-routes.ts";
import { createApiToken } from "./tokens.ts";
import { requireWholePerson } from "./whole-person.ts";

/** How long the token of `flotilla login` lives. */
const LOGIN_TOKEN_DAYS = 90;
const tags = ["session"];

/** One-time codes: made by who is signed in, exchanged by the CLI (or taken by the sign-in page). */
export function registerCodes(app: App, context: Context, guesses: GuessLimits): void {
  app.post(
    "/api/v1/session/code",
    {
      config: { access: "signed-in" },
      schema: {
        tags,
        operationId: "createSignInCode",
        summary: "Make a one-time code that signs oneself in elsewhere",
        response: { 201: OneTimeCode, ...problemResponses(401, 403) },
      },
    },
    async (request, reply) => {
      const principal = requireWholePerson(request.principal);
      const code = await context.database.write(async (trx) => {
        const actor = context.access.actorOf(principal);
        const subject = `user/${principal.userId}`;
        await context.events.append(trx, { project: null, actor, action: "code.issued", subject });
        return issueCode(trx, context, { purpose: "sign-in", userId: principal.userId });
      });
      return reply.status(201).send(code);
    },
  );
  app.post(
    "/api/v1/session/exchange",
    {
      config: { access: "public" },
      schema: {
        tags,
        operationId: "exchangeCode",
        summary: "Exchange a one-time code for an API token, as `flotilla login --code` does",
        security: [],
        body: ExchangeRequest,
        response: { 201: CreatedToken, ...problemResponses(400, 401, 429) },
      },
    },
    async (request, reply) => {
      const succeed = guesses(request.ip, "");
      const created = await exchange(context, request.body);
      succeed();
      return reply.status(201).send(created);
    },
  );
}

function exchange(context: Context, { code, name }: { readonly code: string; readonly name?: string }) {
  return context.database.write(async (trx) => {
    const { user_id } = await takeCode(trx, context, { code, purposes: ["sign-in"] });
    const user = await trx
      .selectFrom("users")
      .select(["id", "email"])
      .where("id", "=", user_id ?? "")
      .executeTakeFirstOrThrow();
    return createApiToken(trx, context, {
      actor: { kind: "user", id: user.id, name: user.email },
      userId: user.id,
      project: null,
      name: name ?? "command line",
      scopes: PERMISSIONS,
      days: LOGIN_TOKEN_DAYS,
    });
  });
}
