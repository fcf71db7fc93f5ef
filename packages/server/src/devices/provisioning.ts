import { randomBytes } from "node:crypto";
import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { uuidv7 } from "@flotilla/base/uuid";
import type {
  CreatedProvisioningToken,
  CreateProvisioningTokenRequest,
  Labels,
  ProvisioningToken,
} from "@flotilla/protocol/api/devices";
import { formatProvisioningToken, parseProvisioningToken } from "@flotilla/protocol/provisioning-token";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { hashSecret, secretMatches } from "../users/secrets.ts";
import { checkLabels } from "./labels.ts";
import type { ProvisioningTokensTable } from "./tables.ts";

const SECRET_BYTES = 32;
const DEFAULT_LIFETIME_SECONDS = 86_400;

/** Makes a token; its secret is only in the answer. */
export async function createProvisioningToken(
  context: Context,
  request: CreateProvisioningTokenRequest & { readonly project: string; readonly actor: Actor },
): Promise<CreatedProvisioningToken> {
  const now = context.clock.now();
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const row: ProvisioningTokensTable = {
    project: request.project,
    id: uuidv7(now),
    secret_hash: hashSecret(secret),
    description: request.description ?? "",
    labels: JSON.stringify(checkLabels(request.labels ?? {})),
    max_uses: request.maxUses ?? 1,
    uses: 0,
    created_at: toInstant(now),
    created_by: request.actor.name ?? request.actor.id,
    expires_at: toInstant(now + (request.expiresInSeconds ?? DEFAULT_LIFETIME_SECONDS) * 1000),
    revoked_at: null,
  };
  await context.database.write(async (trx) => {
    await trx.insertInto("provisioning_tokens").values(row).execute();
    await context.events.append(trx, {
      project: request.project,
      actor: request.actor,
      action: "provisioning-token.created",
      subject: `provisioning-token/${row.id}`,
      data: {
        description: row.description,
        labels: request.labels ?? {},
        maxUses: row.max_uses,
        expiresAt: row.expires_at,
      },
    });
  });
  const caFingerprint = context.tls?.caFingerprint;
  const parts = { id: row.id.replaceAll("-", ""), secret, ...(caFingerprint === undefined ? {} : { caFingerprint }) };
  return { ...toProvisioningToken(row), token: formatProvisioningToken(parts) };
}

/** Ends a token; devices that it enrolled stay. Throws `not-found`. */
export async function revokeProvisioningToken(
  { database, events, clock }: Context,
  { project, id, actor }: { readonly project: string; readonly id: string; readonly actor: Actor },
): Promise<void> {
  await database.write(async (trx) => {
    const row = await trx
      .selectFrom("provisioning_tokens")
      .select("revoked_at")
      .where("project", "=", project)
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) throw new CodedError("not-found", `project ${project} has no provisioning token ${id}`);
    if (row.revoked_at !== null) return;
    await trx
      .updateTable("provisioning_tokens")
      .set({ revoked_at: toInstant(clock.now()) })
      .where("project", "=", project)
      .where("id", "=", id)
      .execute();
    const subject = `provisioning-token/${id}`;
    await events.append(trx, { project, actor, action: "provisioning-token.revoked", subject });
  });
}

/** The row of a token that was shown; throws `token-invalid` unless it is known, right, unexpired and not revoked. Uses are not looked at. */
export async function requireProvisioningToken(
  trx: Transaction<Tables>,
  text: string,
  now: string,
): Promise<ProvisioningTokensTable> {
  const parts = parseProvisioningToken(text);
  if (parts === undefined)
    throw new CodedError("token-invalid", "this is not a provisioning token; they begin with flp_");
  const row = await trx
    .selectFrom("provisioning_tokens")
    .selectAll()
    .where("id", "=", withDashes(parts.id))
    .executeTakeFirst();
  if (row === undefined || !secretMatches(parts.secret, row.secret_hash))
    throw new CodedError("token-invalid", "the provisioning token is not known here");
  if (row.revoked_at !== null) throw new CodedError("token-invalid", "the provisioning token was revoked");
  if (row.expires_at <= now)
    throw new CodedError("token-invalid", `the provisioning token expired at ${row.expires_at}; ask for a new one`);
  return row;
}

/** As the API shows it. */
export function toProvisioningToken(row: ProvisioningTokensTable): ProvisioningToken {
  return {
    id: row.id,
    description: row.description,
    labels: JSON.parse(row.labels) as Labels,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    maxUses: row.max_uses,
    uses: row.uses,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}

function withDashes(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
