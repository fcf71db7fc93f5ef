import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { uuidv7 } from "@flotilla/base/uuid";
import type { SetupRequest, User } from "@flotilla/protocol/api/users";
import type { Transaction } from "kysely";
import type { Static } from "typebox";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { findCode, issueCode, takeCode } from "./codes.ts";
import { hasUsers } from "./first-owner.ts";
import type { Passwords } from "./passwords.ts";
import { openSession } from "./sessions.ts";

const PURPOSES = ["setup", "invite"] as const;

/** While nobody can sign in, the one-time link that makes the first owner; a new one with each start, and the one before is void. */
export async function issueSetupLink(context: Context): Promise<string | undefined> {
  if (await hasUsers(context.database.read)) return undefined;
  return context.database.write(async (trx) => {
    await trx.deleteFrom("one_time_codes").where("purpose", "=", "setup").execute();
    const { url } = await issueCode(trx, context, { purpose: "setup", userId: null });
    return url;
  });
}

/** Uses the code of the first start or of an invitation: sets the password and opens a session. */
export async function finishSetup(
  context: Context,
  passwords: Passwords,
  request: Static<typeof SetupRequest>,
): Promise<{ readonly user: User; readonly cookie: string }> {
  const wanted = { code: request.code, purposes: PURPOSES };
  // Looked up before the slow hash, so that a wrong code costs nothing; used up in the transaction, so that it works once.
  const { purpose } = await findCode(context.database.read, context, wanted);
  if (purpose === "setup" && request.email === undefined)
    throw new CodedError("invalid-request", "the first owner needs an e-mail address");
  const passwordHash = await passwords.hash(request.password);
  return context.database.write(async (trx) => {
    const code = await takeCode(trx, context, wanted);
    if (code.user_id === null && (await hasUsers(trx)))
      throw new CodedError("code-invalid", "there is an owner already; ask them for an invitation");
    const user =
      code.user_id === null
        ? await insertFirstOwner(trx, context, { email: request.email ?? "", passwordHash })
        : await setPassword(trx, context, { userId: code.user_id, passwordHash });
    return { user, cookie: await openSession(trx, context, user) };
  });
}

async function insertFirstOwner(
  trx: Transaction<Tables>,
  { clock, events }: Context,
  { email, passwordHash }: { readonly email: string; readonly passwordHash: string },
): Promise<User> {
  const now = clock.now();
  const user = { id: uuidv7(now), email: email.toLowerCase() };
  await trx
    .insertInto("users")
    .values({ ...user, password_hash: passwordHash, server_role: "owner", created_at: toInstant(now) })
    .execute();
  const actor = { kind: "user", id: user.id, name: user.email } as const;
  const data = { email: user.email, serverRole: "owner" };
  await events.append(trx, { project: null, actor, action: "user.created", subject: `user/${user.id}`, data });
  return user;
}

async function setPassword(
  trx: Transaction<Tables>,
  { events }: Context,
  { userId, passwordHash }: { readonly userId: string; readonly passwordHash: string },
): Promise<User> {
  await trx.updateTable("users").set({ password_hash: passwordHash }).where("id", "=", userId).execute();
  const user = await trx.selectFrom("users").select(["id", "email"]).where("id", "=", userId).executeTakeFirstOrThrow();
  const actor = { kind: "user", id: user.id, name: user.email } as const;
  await events.append(trx, { project: null, actor, action: "user.activated", subject: `user/${user.id}` });
  return user;
}
