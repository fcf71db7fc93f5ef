import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { uuidv7 } from "@flotilla/base/uuid";
import type { Invitation, Member } from "@flotilla/protocol/api/users";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { issueCode } from "./codes.ts";
import { ROLES, type Role } from "./roles.ts";

interface Change {
  readonly actor: Actor;
  readonly project: string;
  readonly userId: string;
}

/** Makes a user a member with this role; throws `not-found`, or `last-owner` when the project would have none left. */
export async function setMember(
  trx: Transaction<Tables>,
  { clock, events }: Pick<Context, "clock" | "events">,
  { actor, project, userId, role }: Change & { readonly role: Role },
): Promise<Member> {
  const user = await findUser(trx, "id", userId);
  if (user === undefined) throw new CodedError("not-found", "there is no user with this id");
  if (await isPendingElsewhere(trx, user, project))
    throw new CodedError(
      "conflict",
      `${user.email} has not accepted an invitation to another project yet; try again when they have`,
    );
  const before = await findMember(trx, project, userId);
  if (before?.role === "owner" && role !== "owner") await requireOtherOwner(trx, project, userId);
  const added_at = before?.added_at ?? toInstant(clock.now());
  await trx
    .insertInto("members")
    .values({ project, user_id: userId, role, added_at })
    .onConflict((conflict) => conflict.columns(["project", "user_id"]).doUpdateSet({ role }))
    .execute();
  const action = before === undefined ? "member.added" : "member.changed";
  const data = { email: user.email, role, ...(before === undefined ? {} : { before: before.role }) };
  await events.append(trx, { project, actor, action, subject: `user/${userId}`, data });
  return { user: userId, email: user.email, role, addedAt: added_at };
}

/** Ends a membership; throws `not-found`, or `last-owner`. */
export async function removeMember(
  trx: Transaction<Tables>,
  { events }: Pick<Context, "events">,
  { actor, project, userId }: Change,
): Promise<void> {
  const before = await findMember(trx, project, userId);
  if (before === undefined) throw new CodedError("not-found", "this user is not a member of the project");
  if (before.role === "owner") await requireOtherOwner(trx, project, userId);
  await trx.deleteFrom("members").where("project", "=", project).where("user_id", "=", userId).execute();
  await events.append(trx, { project, actor, action: "member.removed", subject: `user/${userId}` });
}

/** Adds the person with this address to a project. Who has no password yet gets a code to set one. */
export async function inviteUser(
  trx: Transaction<Tables>,
  context: Pick<Context, "clock" | "events" | "config">,
  wanted: { readonly actor: Actor; readonly email: string; readonly project: string; readonly role: Role },
): Promise<Invitation> {
  const known = await findUser(trx, "email", wanted.email);
  const user = known ?? (await insertUser(trx, context, wanted));
  await setMember(trx, context, { actor: wanted.actor, project: wanted.project, userId: user.id, role: wanted.role });
  const described = { id: user.id, email: user.email };
  // Any account that was ever used proves itself by signing in: a code for it would let the inviter in as its person.
  if (known !== undefined && !isPending(known)) return { user: described };
  const invitation = await issueCode(trx, context, { purpose: "invite", userId: user.id });
  return { user: described, invitation };
}

interface KnownUser {
  readonly id: string;
  readonly email: string;
  readonly password_hash: string | null;
  readonly server_role: Role | null;
}

/** An invitation that nobody has accepted. */
function isPending(user: KnownUser): boolean {
  return user.password_hash === null && user.server_role === null;
}

/** Whoever holds the code of a pending invitation will be that person, so another project must not trust the account yet. */
async function isPendingElsewhere(trx: Transaction<Tables>, user: KnownUser, project: string): Promise<boolean> {
  if (!isPending(user)) return false;
  const elsewhere = await trx
    .selectFrom("members")
    .select("project")
    .where("user_id", "=", user.id)
    .where("project", "!=", project)
    .executeTakeFirst();
  return elsewhere !== undefined;
}

function findUser(trx: Transaction<Tables>, column: "id" | "email", value: string): Promise<KnownUser | undefined> {
  return trx
    .selectFrom("users")
    .select(["id", "email", "password_hash", "server_role"])
    .where(column, "=", value)
    .executeTakeFirst();
}

/** The role of this name; the schema has let no other through. */
export function parseRole(name: string): Role {
  const role = ROLES.find((candidate) => candidate === name);
  if (role === undefined)
    throw new CodedError("invalid-request", `there is no role ${name}; roles are ${ROLES.join(", ")}`);
  return role;
}

async function insertUser(
  trx: Transaction<Tables>,
  { clock, events }: Pick<Context, "clock" | "events">,
  { actor, email }: { readonly actor: Actor; readonly email: string },
): Promise<{ readonly id: string; readonly email: string }> {
  const now = clock.now();
  const user = { id: uuidv7(now), email };
  await trx
    .insertInto("users")
    .values({ ...user, password_hash: null, server_role: null, created_at: toInstant(now) })
    .execute();
  await events.append(trx, {
    project: null,
    actor,
    action: "user.invited",
    subject: `user/${user.id}`,
    data: { email },
  });
  return user;
}

function findMember(trx: Transaction<Tables>, project: string, userId: string) {
  return trx
    .selectFrom("members")
    .select(["role", "added_at"])
    .where("project", "=", project)
    .where("user_id", "=", userId)
    .executeTakeFirst();
}

async function requireOtherOwner(trx: Transaction<Tables>, project: string, userId: string): Promise<void> {
  const other = await trx
    .selectFrom("members")
    .select("user_id")
    .where("project", "=", project)
    .where("role", "=", "owner")
    .where("user_id", "!=", userId)
    .executeTakeFirst();
  if (other === undefined)
    throw new CodedError("last-owner", "a project keeps at least one owner; make somebody else owner first");
}
