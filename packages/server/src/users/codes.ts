import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { OneTimeCode } from "@flotilla/protocol/api/users";
import type { Kysely, Transaction } from "kysely";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { hashSecret, newSecret } from "./secrets.ts";
import type { OneTimeCodesTable } from "./tables.ts";

type Purpose = OneTimeCodesTable["purpose"];

/** How long a code of each purpose may be used. */
const LIFETIME_MS: Readonly<Record<Purpose, number>> = {
  setup: 24 * 3_600_000,
  invite: 7 * 86_400_000,
  "sign-in": 15 * 60_000,
};
const PAGE: Readonly<Record<Purpose, string>> = { setup: "/setup?", invite: "/setup?invited&", "sign-in": "/sign-in?" };

/** Makes a code that works once; only its hash is kept. Codes that have expired go at this occasion. */
export async function issueCode(
  trx: Transaction<Tables>,
  { clock, config }: Pick<Context, "clock" | "config">,
  wanted: { readonly purpose: Purpose; readonly userId: string | null },
): Promise<OneTimeCode> {
  const now = clock.now();
  const code = newSecret();
  const expiresAt = toInstant(now + LIFETIME_MS[wanted.purpose]);
  await trx.deleteFrom("one_time_codes").where("expires_at", "<=", toInstant(now)).execute();
  await trx
    .insertInto("one_time_codes")
    .values({
      code_hash: hashSecret(code),
      purpose: wanted.purpose,
      user_id: wanted.userId,
      created_at: toInstant(now),
      expires_at: expiresAt,
    })
    .execute();
  return { code, url: `${config.publicUrl}${PAGE[wanted.purpose]}code=${code}`, expiresAt };
}

/** The live code, without using it; throws `code-invalid` when it is unknown, used, expired or for another purpose. */
export async function findCode(
  database: Kysely<Tables>,
  { clock }: Pick<Context, "clock">,
  wanted: { readonly code: string; readonly purposes: readonly Purpose[] },
): Promise<OneTimeCodesTable> {
  const row = await database
    .selectFrom("one_time_codes")
    .selectAll()
    .where("code_hash", "=", hashSecret(wanted.code))
    .executeTakeFirst();
  if (row === undefined || row.expires_at <= toInstant(clock.now()) || !wanted.purposes.includes(row.purpose))
    throw new CodedError("code-invalid", "this code is wrong, was used already, or has expired; ask for a new one");
  return row;
}

/** As {@link findCode}, and uses it up. */
export async function takeCode(
  trx: Transaction<Tables>,
  context: Pick<Context, "clock">,
  wanted: { readonly code: string; readonly purposes: readonly Purpose[] },
): Promise<OneTimeCodesTable> {
  const row = await findCode(trx, context, wanted);
  await trx.deleteFrom("one_time_codes").where("code_hash", "=", row.code_hash).execute();
  return row;
}
