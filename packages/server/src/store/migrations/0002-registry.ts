import type { Kysely } from "kysely";

/** What repositories have, uploads under way, and the scans of layers and images. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createContent(database);
  await createScans(database);
}

async function createContent(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("registry_blobs")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("size_bytes", "integer", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("registry_blobs_key", ["project", "repository", "digest"])
    .execute();
  await database.schema.createIndex("registry_blobs_digest").on("registry_blobs").column("digest").execute();
  await database.schema
    .createTable("registry_manifests")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("media_type", "text", (column) => column.notNull())
    .addColumn("artifact_type", "text")
    .addColumn("size_bytes", "integer", (column) => column.notNull())
    .addColumn("subject", "text")
    .addColumn("annotations", "text")
    .addColumn("created_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("registry_manifests_key", ["project", "repository", "digest"])
    .execute();
  await database.schema
    .createIndex("registry_manifests_subject")
    .on("registry_manifests")
    .columns(["project", "repository", "subject"])
    .execute();
  await database.schema.createIndex("registry_manifests_digest").on("registry_manifests").column("digest").execute();
  await database.schema
    .createTable("registry_tags")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("tag", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("updated_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("registry_tags_key", ["project", "repository", "tag"])
    .execute();
  await database.schema
    .createTable("registry_uploads")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .execute();
}

async function createScans(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("registry_layers")
    .addColumn("blob", "text", (column) => column.primaryKey())
    .addColumn("diff_id", "text", (column) => column.notNull())
    .addColumn("format", "integer", (column) => column.notNull())
    .execute();
  await database.schema
    .createTable("registry_layer_scans")
    .addColumn("diff_id", "text", (column) => column.notNull())
    .addColumn("format", "integer", (column) => column.notNull())
    .addColumn("scan", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("registry_layer_scans_key", ["diff_id", "format"])
    .execute();
  await database.schema
    .createTable("registry_scans")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("manifest", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("problem", "text")
    .addColumn("outcome", "text")
    .addColumn("report", "text")
    .addColumn("inventory", "text")
    .addColumn("sources", "text")
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("finished_at", "text")
    .addPrimaryKeyConstraint("registry_scans_key", ["project", "manifest"])
    .execute();
}
