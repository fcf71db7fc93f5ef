import { toInstant } from "@flotilla/base/clock";
import { uuidv7 } from "@flotilla/base/uuid";
import type { FastifyReply } from "fastify";
import type { Transaction } from "kysely";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { SESSION_COOKIE } from "./authenticate-session.ts";
import { hashSecret, newSecret } from "./secrets.ts";

const LIFETIME_MS = 14 * 86_400_000;

/** Opens a session for a user who proved who they are, and returns the cookie's value. Expired sessions go at this occasion. */
export async function openSession(
  trx: Transaction<Tables>,
  { clock, events }: Pick<Context, "clock" | "events">,
  user: { readonly id: string; readonly email: string },
): Promise<string> {
  const now = clock.now();
  const id = uuidv7(now);
  const secret = newSecret();
  await trx.deleteFrom("sessions").where("expires_at", "<=", toInstant(now)).execute();
  await trx
    .insertInto("sessions")
    .values({
      id,
      user_id: user.id,
      secret_hash: hashSecret(secret),
      created_at: toInstant(now),
      expires_at: toInstant(now + LIFETIME_MS),
    })
    .execute();
  await events.append(trx, {
    project: null,
    actor: { kind: "user", id: user.id, name: user.email },
    action: "session.opened",
    subject: `user/${user.id}`,
  });
  return `${id}.${secret}`;
}

/** Sets the session cookie, or with `undefined` takes it away. Scripts cannot read it and other sites cannot send it (RFC 6265bis §5.6). */
export function setSessionCookie(
  reply: FastifyReply,
  { config }: Pick<Context, "config">,
  value: string | undefined,
): void {
  const secure = config.publicUrl.startsWith("https:") ? "; Secure" : "";
  const maxAge = value === undefined ? 0 : LIFETIME_MS / 1000;
  reply.header(
    "set-cookie",
    `${SESSION_COOKIE}=${value ?? ""}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAge}${secure}`,
  );
}
