import type { Kysely } from "kysely";

/** Apps, releases and project policies. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("apps")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("last_release", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("apps_pk", ["project", "name"])
    .execute();
  await db.schema
    .createTable("releases")
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("app", "text", (column) => column.notNull())
    .addColumn("number", "integer", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("document", "text", (column) => column.notNull())
    .addColumn("compose", "text", (column) => column.notNull())
    .addColumn("outcome", "text", (column) => column.notNull())
    .addColumn("gate", "text", (column) => column.notNull())
    .addColumn("sbom_digest", "text", (column) => column.notNull())
    .addColumn("verdict_digest", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("created_by", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("releases_pk", ["project", "id"])
    .addUniqueConstraint("releases_number", ["project", "app", "number"])
    .addUniqueConstraint("releases_digest", ["project", "app", "digest"])
    .execute();
  await db.schema
    .createTable("policies")
    .addColumn("project", "text", (column) => column.notNull().primaryKey())
    .addColumn("text", "text", (column) => column.notNull())
    .addColumn("updated_at", "text", (column) => column.notNull())
    .addColumn("updated_by", "text", (column) => column.notNull())
    .execute();
}
