import type { Context } from "../context.ts";
import type { Principal } from "./access.ts";
import type { Role } from "./roles.ts";

export interface VisibleProject {
  readonly name: string;
  readonly title: string;
  readonly created_at: string;
  /** The person's own role there; null when only their role on the whole server reaches it, and for devices. */
  readonly role: Role | null;
}

/** The projects that a principal may know of, by name after `after`. */
export async function visibleProjects(
  { database }: Pick<Context, "database">,
  principal: Principal,
  page: { readonly after: string; readonly limit: number },
): Promise<readonly VisibleProject[]> {
  const userId = principal.kind === "device" ? "" : principal.userId;
  let query = database.read
    .selectFrom("projects")
    .leftJoin("members", (join) =>
      join.onRef("members.project", "=", "projects.name").on("members.user_id", "=", userId),
    )
    .select(["projects.name", "projects.title", "projects.created_at", "members.role"])
    .where("projects.name", ">", page.after)
    .orderBy("projects.name")
    .limit(page.limit);
  if (principal.kind !== "user" && principal.project !== null)
    query = query.where("projects.name", "=", principal.project);
  if (principal.kind !== "device" && !(await hasServerRole({ database }, userId)))
    query = query.where("members.role", "is not", null);
  return query.execute();
}

async function hasServerRole({ database }: Pick<Context, "database">, userId: string): Promise<boolean> {
  const user = await database.read
    .selectFrom("users")
    .select("server_role")
    .where("id", "=", userId)
    .executeTakeFirst();
  return typeof user?.server_role === "string";
}
