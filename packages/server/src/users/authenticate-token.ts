import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { AccessOptions, Principal } from "./access.ts";
import { type Permission, parsePermission } from "./roles.ts";
import { parseApiToken, secretMatches } from "./secrets.ts";

/** The principal of an API token; throws `unauthenticated` when it is unknown, wrong, expired or revoked. */
export async function authenticateApiToken(
  text: string,
  { database, clock }: Pick<AccessOptions, "database" | "clock">,
): Promise<Principal> {
  const parsed = parseApiToken(text);
  if (parsed === undefined) throw new CodedError("unauthenticated", "this is not an API token of Flotilla");
  const row = await database.read.selectFrom("api_tokens").selectAll().where("id", "=", parsed.id).executeTakeFirst();
  if (row === undefined || !secretMatches(parsed.secret, row.secret_hash))
    throw new CodedError("unauthenticated", "the API token is not known here");
  if (row.revoked_at !== null) throw new CodedError("unauthenticated", "the API token was revoked");
  if (row.expires_at <= toInstant(clock.now())) throw new CodedError("unauthenticated", "the API token has expired");
  return {
    kind: "token",
    tokenId: row.id,
    name: row.name,
    userId: row.user_id,
    project: row.project,
    scopes: parseScopes(row.scopes),
  };
}

/** The permissions in the stored list; a name that this version does not know gives nothing. */
export function parseScopes(json: string): readonly Permission[] {
  const names: unknown = JSON.parse(json);
  if (!Array.isArray(names)) return [];
  return names.map((name) => parsePermission(String(name))).filter((scope) => scope !== undefined);
}
