import { builtInPolicy } from "@flotilla/guard/policy/built-in";
import { formatPolicy } from "@flotilla/guard/policy/format";
import { parsePolicy } from "@flotilla/guard/policy/parse";
import type { Policy } from "@flotilla/guard/policy/policy";
import type { ProjectPolicy } from "@flotilla/protocol/api/releases";
import type { Context } from "../context.ts";
import type { Policies } from "./port.ts";

/** How many parsed policies are kept. */
const MAX_CACHED = 1000;

/** The policies of all projects, read from the database; a text is parsed once. */
export function createPolicies({ database }: Pick<Context, "database">): Policies {
  const parsed = new Map<string, Policy>();
  return {
    async of(project) {
      const stored = await database.read
        .selectFrom("policies")
        .select("text")
        .where("project", "=", project)
        .executeTakeFirst();
      if (stored === undefined) return builtInPolicy;
      const known = parsed.get(stored.text);
      if (known !== undefined) return known;
      const policy = parsePolicy(stored.text, project);
      if (parsed.size >= MAX_CACHED) parsed.clear();
      parsed.set(stored.text, policy);
      return policy;
    },
  };
}

/** The policy in force and where it comes from, as the API shows it. */
export async function describePolicy({ database }: Pick<Context, "database">, project: string): Promise<ProjectPolicy> {
  const row = await database.read.selectFrom("policies").selectAll().where("project", "=", project).executeTakeFirst();
  if (row === undefined) return { source: "built-in", text: formatPolicy(builtInPolicy) };
  return { source: "project", text: row.text, updatedAt: row.updated_at, updatedBy: row.updated_by };
}
