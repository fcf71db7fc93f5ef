import { type Kysely, sql } from "kysely";

/** Events, projects, users and what proves who they are. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createEvents(database);
  await createProjects(database);
  await createUsers(database);
  await createProofs(database);
}

async function createEvents(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("events")
    .addColumn("seq", "integer", (column) => column.primaryKey())
    .addColumn("at", "text", (column) => column.notNull())
    .addColumn("project", "text")
    .addColumn("actor_kind", "text", (column) => column.notNull())
    .addColumn("actor_id", "text", (column) => column.notNull())
    .addColumn("actor_name", "text")
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("data", "text")
    .addColumn("hash", "text", (column) => column.notNull())
    .execute();
  await database.schema.createIndex("events_project").on("events").columns(["project", "seq"]).execute();
  await database.schema.createIndex("events_subject").on("events").columns(["project", "subject", "seq"]).execute();
  for (const change of ["UPDATE", "DELETE"]) {
    const name = `events_no_${change.toLowerCase()}`;
    await sql
      .raw(`CREATE TRIGGER ${name} BEFORE ${change} ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END`)
      .execute(database);
  }
}

async function createProjects(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("projects")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("title", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .execute();
  await database.schema
    .createTable("members")
    .addColumn("project", "text", (column) => column.notNull().references("projects.name"))
    .addColumn("user_id", "text", (column) => column.notNull())
    .addColumn("role", "text", (column) => column.notNull())
    .addColumn("added_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("members_key", ["project", "user_id"])
    .execute();
  await database.schema.createIndex("members_user").on("members").column("user_id").execute();
}

async function createUsers(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("users")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("email", "text", (column) => column.notNull().unique())
    .addColumn("password_hash", "text")
    .addColumn("server_role", "text")
    .addColumn("created_at", "text", (column) => column.notNull())
    .execute();
}

async function createProofs(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("sessions")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("user_id", "text", (column) => column.notNull().references("users.id"))
    .addColumn("secret_hash", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("expires_at", "text", (column) => column.notNull())
    .execute();
  await database.schema
    .createTable("api_tokens")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("project", "text", (column) => column.references("projects.name"))
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("user_id", "text", (column) => column.notNull().references("users.id"))
    .addColumn("scopes", "text", (column) => column.notNull())
    .addColumn("secret_hash", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("expires_at", "text", (column) => column.notNull())
    .addColumn("revoked_at", "text")
    .execute();
  await database.schema.createIndex("api_tokens_project").on("api_tokens").columns(["project", "id"]).execute();
  await database.schema
    .createTable("one_time_codes")
    .addColumn("code_hash", "text", (column) => column.primaryKey())
    .addColumn("purpose", "text", (column) => column.notNull())
    .addColumn("user_id", "text", (column) => column.references("users.id"))
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("expires_at", "text", (column) => column.notNull())
    .execute();
}
