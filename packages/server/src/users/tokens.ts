import { toInstant } from "@flotilla/base/clock";
import { uuidv7 } from "@flotilla/base/uuid";
import type { ApiToken, CreatedToken } from "@flotilla/protocol/api/users";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { parseScopes } from "./authenticate-token.ts";
import type { Permission } from "./roles.ts";
import { formatApiToken, hashSecret, newSecret } from "./secrets.ts";
import type { ApiTokensTable } from "./tables.ts";

const DAY_MS = 86_400_000;

export interface NewApiToken {
  readonly actor: Actor;
  readonly userId: string;
  /** Null: valid in every project, as far as its user's roles reach. */
  readonly project: string | null;
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly days: number;
}

/** Makes an API token with its audit event. The token itself is in the answer and nowhere else. */
export async function createApiToken(
  trx: Transaction<Tables>,
  { clock, events }: Pick<Context, "clock" | "events">,
  wanted: NewApiToken,
): Promise<CreatedToken> {
  const now = clock.now();
  const secret = newSecret();
  const row: ApiTokensTable = {
    id: uuidv7(now),
    project: wanted.project,
    name: wanted.name,
    user_id: wanted.userId,
    scopes: JSON.stringify(wanted.scopes),
    secret_hash: hashSecret(secret),
    created_at: toInstant(now),
    expires_at: toInstant(now + wanted.days * DAY_MS),
    revoked_at: null,
  };
  await trx.insertInto("api_tokens").values(row).execute();
  await events.append(trx, {
    project: wanted.project,
    actor: wanted.actor,
    action: "token.created",
    subject: `token/${row.id}`,
    data: { name: row.name, scopes: wanted.scopes, expiresAt: row.expires_at },
  });
  return { ...describeToken(row), token: formatApiToken(row.id, secret) };
}

/** What may be shown of a token. */
export function describeToken(row: ApiTokensTable): ApiToken {
  return {
    id: row.id,
    name: row.name,
    ...(row.project === null ? {} : { project: row.project }),
    scopes: [...parseScopes(row.scopes)],
    user: row.user_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}
