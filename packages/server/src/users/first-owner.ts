import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { toInstant } from "@flotilla/base/clock";
import { uuidv7 } from "@flotilla/base/uuid";
import type { Kysely, Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { writeSecretFile } from "../store/server-key.ts";
import type { Tables } from "../store/tables.ts";
import { PERMISSIONS } from "./roles.ts";
import { formatApiToken, hashSecret, newSecret } from "./secrets.ts";

/** How long the token of `--owner-token-file` lives. */
const OWNER_TOKEN_LIFETIME_MS = 365 * 86_400_000;
const SYSTEM: Actor = { kind: "system", id: "first-start" };

type Wiring = Pick<Context, "database" | "events" | "clock" | "log">;

/** Makes the project `default` when there is no project yet. */
export async function ensureDefaultProject({ database, events, clock }: Wiring): Promise<void> {
  const known = await database.read.selectFrom("projects").select("name").limit(1).executeTakeFirst();
  if (known !== undefined) return;
  await database.write(async (trx) => {
    await trx
      .insertInto("projects")
      .values({ name: "default", title: "Default", created_at: toInstant(clock.now()) })
      .execute();
    await events.append(trx, {
      project: "default",
      actor: SYSTEM,
      action: "project.created",
      subject: "project/default",
    });
  });
}

/** Whether anybody can sign in yet. */
export async function hasUsers(database: Kysely<Tables>): Promise<boolean> {
  return (await database.selectFrom("users").select("id").limit(1).executeTakeFirst()) !== undefined;
}

/**
 * On the first start writes an owner API token into `path` (mode 0600). The file is on the disk before the database knows the token, so that
 * a crash in between is mended by the next start.
 */
export async function writeOwnerTokenFile(wiring: Wiring, path: string): Promise<void> {
  if (await hasUsers(wiring.database.read)) {
    if (!existsSync(path)) wiring.log.warn({ path }, "owner token file is written at the first start only");
    return;
  }
  const prepared = prepareOwnerToken(wiring);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  writeSecretFile(path, `${prepared.token}\n`);
  await wiring.database.write((trx) => insertOwner(trx, wiring, prepared));
  wiring.log.info({ path }, "owner token written");
}

interface PreparedToken {
  readonly id: string;
  readonly secret: string;
  readonly token: string;
}

function prepareOwnerToken({ clock }: Wiring): PreparedToken {
  const id = uuidv7(clock.now());
  const secret = newSecret();
  return { id, secret, token: formatApiToken(id, secret) };
}

async function insertOwner(trx: Transaction<Tables>, wiring: Wiring, token: PreparedToken): Promise<void> {
  const email = "owner@localhost";
  const now = wiring.clock.now();
  const userId = uuidv7(now);
  await trx
    .insertInto("users")
    .values({ id: userId, email, password_hash: null, server_role: "owner", created_at: toInstant(now) })
    .execute();
  await trx
    .insertInto("api_tokens")
    .values({
      id: token.id,
      project: null,
      name: "first owner",
      user_id: userId,
      scopes: JSON.stringify(PERMISSIONS),
      secret_hash: hashSecret(token.secret),
      created_at: toInstant(now),
      expires_at: toInstant(now + OWNER_TOKEN_LIFETIME_MS),
      revoked_at: null,
    })
    .execute();
  const event = { project: null, actor: SYSTEM };
  await wiring.events.append(trx, { ...event, action: "user.created", subject: `user/${userId}`, data: { email } });
  await wiring.events.append(trx, { ...event, action: "token.created", subject: `token/${token.id}` });
}
