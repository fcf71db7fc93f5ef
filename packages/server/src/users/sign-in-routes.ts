import { CodedError } from "@flotilla/base/errors";
import { SetupRequest, SignInRequest, User } from "@flotilla/protocol/api/users";
import type { FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { problemResponses } from "../http/openapi.ts";
import { requireSameOrigin } from "./authenticate-session.ts";
import { takeCode } from "./codes.ts";
import type { Passwords } from "./passwords.ts";
import { openSession, setSessionCookie } from "./sessions.ts";
import { finishSetup } from "./setup.ts";
import { createThrottle, type Throttle } from "./throttle.ts";

const WINDOW_MS = 15 * 60_000;
/** Failed attempts in that time: of one address on one account, on one account from anywhere, of one address. */
const LIMITS = { pair: 10, account: 100, address: 50 } as const;

const tags = ["session"];

export interface SignInParts {
  readonly passwords: Passwords;
  readonly guesses: GuessLimits;
}

/** `/api/v1/setup` and `/api/v1/session`. */
export function registerSignIn(app: App, context: Context, parts: SignInParts): void {
  registerSetup(app, context, parts);
  registerOpenSession(app, context, parts);
  registerSignOut(app, context);
}

function registerOpenSession(app: App, context: Context, { passwords, guesses }: SignInParts): void {
  app.post(
    "/api/v1/session",
    {
      config: { access: "public" },
      schema: {
        tags,
        operationId: "signIn",
        summary: "Open a browser session with a password or a one-time code",
        security: [],
        body: SignInRequest,
        response: { 200: User, ...problemResponses(400, 401, 403, 429) },
      },
    },
    async (request, reply) => {
      refuseForeignPages(request, context);
      const { email, password, code } = request.body;
      const succeed = guesses(request.ip, email ?? "");
      const { user, cookie } =
        code === undefined
          ? await signInWithPassword(context, passwords, { email, password })
          : await signInWithCode(context, code);
      succeed();
      setSessionCookie(reply, context, cookie);
      return user;
    },
  );
}

function registerSetup(app: App, context: Context, { passwords, guesses }: SignInParts): void {
  app.post(
    "/api/v1/setup",
    {
      config: { access: "public" },
      schema: {
        tags,
        operationId: "finishSetup",
        summary: "Become the first owner, or accept an invitation",
        security: [],
        body: SetupRequest,
        response: { 201: User, ...problemResponses(400, 401, 403, 429) },
      },
    },
    async (request, reply) => {
      refuseForeignPages(request, context);
      const succeed = guesses(request.ip, "");
      const { user, cookie } = await finishSetup(context, passwords, request.body);
      succeed();
      setSessionCookie(reply, context, cookie);
      return reply.status(201).send(user);
    },
  );
}

function registerSignOut(app: App, context: Context): void {
  app.delete(
    "/api/v1/session",
    {
      config: { access: "signed-in" },
      schema: {
        tags,
        operationId: "signOut",
        summary: "End this browser session",
        response: { 204: Type.Null(), ...problemResponses(401, 403) },
      },
    },
    async (request, reply) => {
      const principal = request.principal;
      if (principal?.kind === "user") {
        await context.database.write(async (trx) => {
          await trx.deleteFrom("sessions").where("id", "=", principal.sessionId).execute();
          const actor = context.access.actorOf(principal);
          const subject = `user/${principal.userId}`;
          await context.events.append(trx, { project: null, actor, action: "session.ended", subject });
        });
      }
      setSessionCookie(reply, context, undefined);
      return reply.status(204).send(null);
    },
  );
}

interface SignedIn {
  readonly user: Static<typeof User>;
  readonly cookie: string;
}

async function signInWithPassword(
  context: Context,
  passwords: Passwords,
  { email, password }: { readonly email: string | undefined; readonly password: string | undefined },
): Promise<SignedIn> {
  if (email === undefined || password === undefined)
    throw new CodedError("invalid-request", "send email and password, or code");
  const user = await context.database.read
    .selectFrom("users")
    .select(["id", "email", "password_hash"])
    .where("email", "=", email.toLowerCase())
    .executeTakeFirst();
  const right = await passwords.verify(password, user?.password_hash ?? undefined);
  if (user === undefined || !right) throw new CodedError("wrong-credentials", "e-mail address or password is wrong");
  const cookie = await context.database.write((trx) => openSession(trx, context, user));
  return { user: { id: user.id, email: user.email }, cookie };
}

async function signInWithCode(context: Context, code: string): Promise<SignedIn> {
  return context.database.write(async (trx) => {
    const { user_id } = await takeCode(trx, context, { code, purposes: ["sign-in"] });
    const user = await trx
      .selectFrom("users")
      .select(["id", "email"])
      .where("id", "=", user_id ?? "")
      .executeTakeFirstOrThrow();
    return { user, cookie: await openSession(trx, context, user) };
  });
}

/** Another site must not sign a browser in under an account of its choice. Programs send no `Origin`. */
export function refuseForeignPages(request: FastifyRequest, { config }: Pick<Context, "config">): void {
  if (request.headers.origin !== undefined) requireSameOrigin(request, config.publicUrl);
}

/** Counts a guess from an address at an account; the function it returns says that it was right. */
export type GuessLimits = (address: string, account: string) => () => void;

export function createGuessLimits({ clock }: Pick<Context, "clock">): GuessLimits {
  const limit = (count: number): Throttle => createThrottle({ clock, limit: count, windowMs: WINDOW_MS });
  const pairs = limit(LIMITS.pair);
  const accounts = limit(LIMITS.account);
  const addresses = limit(LIMITS.address);
  return (address, account) => {
    const key = account.toLowerCase();
    addresses.attempt(address);
    pairs.attempt(`${address} ${key}`);
    if (key !== "") accounts.attempt(key);
    return () => {
      addresses.succeed(address);
      pairs.succeed(`${address} ${key}`);
      if (key !== "") accounts.succeed(key);
    };
  };
}
