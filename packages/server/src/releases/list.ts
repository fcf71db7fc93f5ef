import { CodedError } from "@flotilla/base/errors";
import type { AppList, AppSummary, ReleaseList } from "@flotilla/protocol/api/releases";
import type { Context } from "../context.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import { summaryOf } from "./rows.ts";

interface Query {
  readonly cursor?: string;
  readonly limit?: number;
}

/** Apps of a project by name, each with its newest release. */
export async function listApps({ database }: Context, project: string, query: Query): Promise<AppList> {
  const limit = pageSize(query);
  const [after = ""] = decodeCursor(query.cursor, ["string"]) ?? [];
  const apps = await database.read
    .selectFrom("apps")
    .selectAll()
    .where("project", "=", project)
    .where("name", ">", after)
    .orderBy("name")
    .limit(limit + 1)
    .execute();
  const names = apps.map((app) => app.name);
  const newest =
    names.length === 0
      ? []
      : await database.read
          .selectFrom("releases")
          .innerJoin(
            (from) =>
              from
                .selectFrom("releases")
                .select(({ fn }) => ["app", fn.max("number").as("newest"), fn.countAll<number>().as("count")])
                .where("project", "=", project)
                .where("app", "in", names)
                .groupBy("app")
                .as("n"),
            (join) => join.onRef("n.app", "=", "releases.app").onRef("n.newest", "=", "releases.number"),
          )
          .selectAll("releases")
          .select("n.count")
          .where("releases.project", "=", project)
          .execute();
  const latest = new Map(newest.map((row) => [row.app, row]));
  return toPage(apps, limit, {
    item: (app): AppSummary => {
      const row = latest.get(app.name);
      return {
        name: app.name,
        repository: `${project}/${app.name}`,
        createdAt: app.created_at,
        releases: row?.count ?? 0,
        ...(row === undefined ? {} : { latest: summaryOf(row) }),
      };
    },
    key: (app) => [app.name],
  });
}

/** Releases of an app, newest first; throws `not-found` when there is no such app. */
export async function listReleases(
  { database }: Context,
  { project, app }: { readonly project: string; readonly app: string },
  query: Query,
): Promise<ReleaseList> {
  const limit = pageSize(query);
  const [before = Number.MAX_SAFE_INTEGER] = decodeCursor(query.cursor, ["number"]) ?? [];
  const known = await database.read
    .selectFrom("apps")
    .select("name")
    .where("project", "=", project)
    .where("name", "=", app)
    .executeTakeFirst();
  if (known === undefined) throw new CodedError("not-found", `there is no app ${app}`);
  const rows = await database.read
    .selectFrom("releases")
    .selectAll()
    .where("project", "=", project)
    .where("app", "=", app)
    .where("number", "<", before)
    .orderBy("number", "desc")
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, { item: summaryOf, key: (row) => [row.number] });
}
