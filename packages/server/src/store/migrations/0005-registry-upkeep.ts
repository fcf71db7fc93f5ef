import { type Kysely, sql } from "kysely";

/** What manifests name, what is about to be collected, and what each project uses, may use and keeps. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createReferences(database);
  await createUsage(database);
  await createRules(database);
}

async function createReferences(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("registry_references")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("manifest", "text", (column) => column.notNull())
    .addColumn("content", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("registry_references_key", ["project", "repository", "manifest", "content"])
    .execute();
  await database.schema
    .createIndex("registry_references_content")
    .on("registry_references")
    .columns(["project", "repository", "content"])
    .execute();
  await database.schema
    .createTable("registry_condemned")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("condemned_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("registry_condemned_key", ["project", "repository", "digest"])
    .execute();
  await follow(database, "DELETE", "registry_manifests", {
    name: "registry_references_gone",
    run: "DELETE FROM registry_references WHERE project = OLD.project AND repository = OLD.repository AND manifest = OLD.digest",
  });
  await follow(database, "DELETE", "registry_blobs", {
    name: "registry_condemned_gone",
    run: "DELETE FROM registry_condemned WHERE project = OLD.project AND repository = OLD.repository AND digest = OLD.digest",
  });
}

/** Sums that follow their rows whatever code changes them; each content counts once in a project. */
async function createUsage(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("registry_usage")
    .addColumn("project", "text", (column) => column.primaryKey())
    .addColumn("bytes", "integer", (column) => column.notNull())
    .addColumn("blobs", "integer", (column) => column.notNull())
    .addColumn("manifests", "integer", (column) => column.notNull())
    .addColumn("repositories", "integer", (column) => column.notNull())
    .execute();
  for (const table of ["registry_blobs", "registry_manifests"])
    await database.schema.createIndex(`${table}_project`).on(table).columns(["project", "digest"]).execute();
  await fillUsage(database);
  await countRows(database);
}

async function fillUsage(database: Kysely<unknown>): Promise<void> {
  const distinct = (table: string) =>
    `SELECT project, digest, MAX(size_bytes) AS size FROM ${table} GROUP BY project, digest`;
  await sql
    .raw(
      `INSERT INTO registry_usage (project, bytes, blobs, manifests, repositories)
       SELECT p.name,
         COALESCE((SELECT SUM(size) FROM (${distinct("registry_blobs")}) WHERE project = p.name), 0)
           + COALESCE((SELECT SUM(size) FROM (${distinct("registry_manifests")}) WHERE project = p.name), 0),
         (SELECT COUNT(DISTINCT digest) FROM registry_blobs WHERE project = p.name),
         (SELECT COUNT(*) FROM registry_manifests WHERE project = p.name),
         (SELECT COUNT(DISTINCT repository) FROM registry_manifests WHERE project = p.name)
       FROM projects p`,
    )
    .execute(database);
}

async function countRows(database: Kysely<unknown>): Promise<void> {
  for (const [change, row, sign] of [
    ["INSERT", "NEW", "+"],
    ["DELETE", "OLD", "-"],
  ] as const) {
    const none = (table: string, same: string, other: string) =>
      `NOT EXISTS (SELECT 1 FROM ${table} o WHERE o.project = ${row}.project AND o.${same} = ${row}.${same} AND o.${other} <> ${row}.${other})`;
    const count = (what: string) => `UPDATE registry_usage SET ${what} WHERE project = ${row}.project`;
    const name = (what: string) => `registry_usage_${what}_${change.toLowerCase()}`;
    const bytes = `bytes = bytes ${sign} ${row}.size_bytes`;
    await follow(database, change, "registry_blobs", {
      name: name("blob"),
      when: none("registry_blobs", "digest", "repository"),
      run: count(`${bytes}, blobs = blobs ${sign} 1`),
    });
    await follow(database, change, "registry_manifests", {
      name: name("content"),
      when: none("registry_manifests", "digest", "repository"),
      run: count(bytes),
    });
    await follow(database, change, "registry_manifests", {
      name: name("repository"),
      when: none("registry_manifests", "repository", "digest"),
      run: count(`repositories = repositories ${sign} 1`),
    });
    await follow(database, change, "registry_manifests", {
      name: name("manifest"),
      run: count(`manifests = manifests ${sign} 1`),
    });
  }
  await follow(database, "INSERT", "projects", {
    name: "registry_usage_project",
    run: "INSERT INTO registry_usage (project, bytes, blobs, manifests, repositories) VALUES (NEW.name, 0, 0, 0, 0)",
  });
}

async function createRules(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("registry_quotas")
    .addColumn("project", "text", (column) => column.primaryKey())
    .addColumn("max_bytes", "integer")
    .addColumn("max_manifests", "integer")
    .addColumn("max_repositories", "integer")
    .addColumn("updated_at", "text", (column) => column.notNull())
    .addColumn("updated_by", "text", (column) => column.notNull())
    .execute();
  await database.schema
    .createTable("registry_retention")
    .addColumn("project", "text", (column) => column.primaryKey())
    .addColumn("policy", "text", (column) => column.notNull())
    .addColumn("updated_at", "text", (column) => column.notNull())
    .addColumn("updated_by", "text", (column) => column.notNull())
    .execute();
}

/** SQLite's triggers; PostgreSQL needs the same as functions. */
async function follow(
  database: Kysely<unknown>,
  change: "INSERT" | "DELETE",
  table: string,
  trigger: { readonly name: string; readonly when?: string; readonly run: string },
): Promise<void> {
  const when = trigger.when === undefined ? "" : `WHEN ${trigger.when}`;
  await sql
    .raw(`CREATE TRIGGER ${trigger.name} AFTER ${change} ON ${table} ${when} BEGIN ${trigger.run}; END`)
    .execute(database);
}
