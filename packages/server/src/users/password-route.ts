import { CodedError } from "@flotilla/base/errors";
import { ChangePasswordRequest } from "@flotilla/protocol/api/users";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import type { Principal } from "./access.ts";
import type { SignInParts } from "./sign-in-routes.ts";

/** `PUT /api/v1/me/password`: only in a session of one's own, never with an API token. */
export function registerPassword(app: App, context: Context, { passwords, guesses }: SignInParts): void {
  app.put(
    "/api/v1/me/password",
    {
      config: { access: "signed-in" },
      schema: {
        tags: ["session"],
        operationId: "changePassword",
        summary: "Set a new password; every other session ends",
        body: ChangePasswordRequest,
        response: { 204: Type.Null(), ...problemResponses(400, 401, 403, 429) },
      },
    },
    async (request, reply) => {
      const user = requireSession(request.principal);
      const { current, password } = request.body;
      const succeed = guesses(request.ip, user.email);
      const { password_hash: before } = await context.database.read
        .selectFrom("users")
        .select("password_hash")
        .where("id", "=", user.userId)
        .executeTakeFirstOrThrow();
      if (before !== null && !(await passwords.verify(current ?? "", before)))
        throw new CodedError("wrong-credentials", "the current password is wrong");
      succeed();
      await replacePassword(context, user, await passwords.hash(password));
      return reply.status(204).send(null);
    },
  );
}

type SessionUser = Extract<Principal, { kind: "user" }>;

function requireSession(principal: Principal | undefined): SessionUser {
  if (principal?.kind !== "user") throw new CodedError("forbidden", "sign in with the browser to change a password");
  return principal;
}

async function replacePassword({ database, events, access }: Context, user: SessionUser, hash: string): Promise<void> {
  await database.write(async (trx) => {
    await trx.updateTable("users").set({ password_hash: hash }).where("id", "=", user.userId).execute();
    await trx.deleteFrom("sessions").where("user_id", "=", user.userId).where("id", "!=", user.sessionId).execute();
    const subject = `user/${user.userId}`;
    await events.append(trx, { project: null, actor: access.actorOf(user), action: "password.changed", subject });
  });
}
