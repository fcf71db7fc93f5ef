import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { FastifyRequest } from "fastify";
import type { AccessOptions, Principal } from "./access.ts";
import { secretMatches } from "./secrets.ts";

export const SESSION_COOKIE = "flotilla_session";

const COOKIE_VALUE = /^([0-9a-f-]{36})\.([0-9A-Za-z]{43})$/;
const SAFE_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/**
 * The principal of the session cookie, or undefined without one (a stale cookie counts as none, so that a public page still opens). A request
 * that changes something must come from our own pages: SameSite=Strict and this check of `Origin` are the defence against forged requests.
 */
export async function authenticateSession(
  request: FastifyRequest,
  { database, clock, publicUrl }: Pick<AccessOptions, "database" | "clock" | "publicUrl">,
): Promise<Principal | undefined> {
  const [, id, secret] = COOKIE_VALUE.exec(cookieOf(request.headers.cookie, SESSION_COOKIE) ?? "") ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const row = await database.read
    .selectFrom("sessions")
    .innerJoin("users", "users.id", "sessions.user_id")
    .select(["sessions.id", "sessions.secret_hash", "sessions.expires_at", "users.id as user_id", "users.email"])
    .where("sessions.id", "=", id)
    .executeTakeFirst();
  if (row === undefined || !secretMatches(secret, row.secret_hash)) return undefined;
  if (row.expires_at <= toInstant(clock.now())) return undefined;
  if (!SAFE_METHODS.includes(request.method)) requireSameOrigin(request, publicUrl());
  return { kind: "user", userId: row.user_id, email: row.email, sessionId: row.id };
}

/** Throws `cross-site-request` unless the request's `Origin` is the server itself. */
export function requireSameOrigin(request: FastifyRequest, publicUrl: string): void {
  const origin = request.headers.origin;
  const own = [new URL(publicUrl).origin, `${request.protocol}://${request.headers.host}`];
  if (origin === undefined || !own.includes(origin))
    throw new CodedError(
      "cross-site-request",
      "a signed-in browser may change things only from this server's own pages",
    );
}

/** The value of a cookie (RFC 6265 §5.4), or undefined. */
function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? "").split(";", 50)) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
