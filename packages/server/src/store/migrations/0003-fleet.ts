import type { Kysely } from "kysely";

/** Devices, what they should run and what they say they run, variables and rollouts. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await createDevices(database);
  await createStates(database);
  await createVariables(database);
  await createAssignments(database);
  await createRollouts(database);
}

async function createDevices(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("provisioning_tokens")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("secret_hash", "text", (column) => column.notNull())
    .addColumn("description", "text", (column) => column.notNull())
    .addColumn("labels", "text", (column) => column.notNull())
    .addColumn("max_uses", "integer", (column) => column.notNull())
    .addColumn("uses", "integer", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("created_by", "text", (column) => column.notNull())
    .addColumn("expires_at", "text", (column) => column.notNull())
    .addColumn("revoked_at", "text")
    .addPrimaryKeyConstraint("provisioning_tokens_key", ["project", "id"])
    .addUniqueConstraint("provisioning_tokens_id", ["id"])
    .execute();
  await database.schema
    .createTable("devices")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("public_key", "text", (column) => column.notNull())
    .addColumn("key_fingerprint", "text", (column) => column.notNull())
    .addColumn("labels", "text", (column) => column.notNull())
    .addColumn("time_zone", "text", (column) => column.notNull())
    .addColumn("facts", "text")
    .addColumn("enrolled_at", "text", (column) => column.notNull())
    .addColumn("enrolled_with", "text", (column) => column.notNull())
    .addColumn("revoked_at", "text")
    .addColumn("last_seen_at", "text")
    .addColumn("report_epoch", "text")
    .addColumn("report_seq", "integer", (column) => column.notNull())
    .addColumn("reported_at", "text")
    .addColumn("reported_device_time", "text")
    .addColumn("reported_target_version", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("devices_key", ["project", "id"])
    .addUniqueConstraint("devices_id", ["id"])
    .addUniqueConstraint("devices_name", ["project", "name"])
    .addUniqueConstraint("devices_key_fingerprint", ["key_fingerprint"])
    .execute();
}

async function createStates(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("device_apps")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("device", "text", (column) => column.notNull())
    .addColumn("app", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("reported_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("device_apps_key", ["project", "device", "app"])
    .execute();
  await database.schema
    .createTable("device_targets")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("device", "text", (column) => column.notNull())
    .addColumn("version", "integer", (column) => column.notNull())
    .addColumn("issued_at", "text", (column) => column.notNull())
    .addColumn("apps", "text", (column) => column.notNull())
    .addColumn("sealed_apps", "text", (column) => column.notNull())
    .addColumn("problems", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("device_targets_key", ["project", "device"])
    .execute();
}

async function createVariables(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("variables")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("scope", "text", (column) => column.notNull())
    .addColumn("scope_of", "text", (column) => column.notNull())
    .addColumn("priority", "integer", (column) => column.notNull())
    .addColumn("secret", "integer", (column) => column.notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .addColumn("updated_at", "text", (column) => column.notNull())
    .addColumn("updated_by", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("variables_key", ["project", "name", "scope", "scope_of"])
    .execute();
}

async function createAssignments(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("assignments")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("device", "text", (column) => column.notNull())
    .addColumn("app", "text", (column) => column.notNull())
    .addColumn("release", "text", (column) => column.notNull())
    .addColumn("source", "text", (column) => column.notNull())
    .addColumn("rollout", "text")
    .addColumn("previous", "text")
    .addColumn("assigned_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("assignments_key", ["project", "device", "app"])
    .execute();
  await database.schema
    .createTable("settlements")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("app", "text", (column) => column.notNull())
    .addColumn("selector", "text", (column) => column.notNull())
    .addColumn("release", "text", (column) => column.notNull())
    .addColumn("rollout", "text")
    .addColumn("settled_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("settlements_key", ["project", "app", "selector"])
    .execute();
}

async function createRollouts(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("rollouts")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("app", "text", (column) => column.notNull())
    .addColumn("release", "text", (column) => column.notNull())
    .addColumn("tag", "text", (column) => column.notNull())
    .addColumn("selector", "text", (column) => column.notNull())
    .addColumn("strategy", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("reason_code", "text")
    .addColumn("reason", "text")
    .addColumn("put_back", "text", (column) => column.notNull())
    .addColumn("active", "integer", (column) => column.notNull())
    .addColumn("phase", "integer")
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("created_by", "text", (column) => column.notNull())
    .addColumn("resumed_at", "text")
    .addColumn("ended_at", "text")
    .addPrimaryKeyConstraint("rollouts_key", ["project", "id"])
    .execute();
  await database.schema.createIndex("rollouts_active").on("rollouts").columns(["active", "id"]).execute();
  await database.schema
    .createTable("rollout_phases")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("rollout", "text", (column) => column.notNull())
    .addColumn("phase", "integer", (column) => column.notNull())
    .addColumn("reach", "integer", (column) => column.notNull())
    .addColumn("started_at", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("rollout_phases_key", ["project", "rollout", "phase"])
    .execute();
  await database.schema
    .createTable("rollout_members")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("rollout", "text", (column) => column.notNull())
    .addColumn("device", "text", (column) => column.notNull())
    .addColumn("rank", "text", (column) => column.notNull())
    .addColumn("phase", "integer")
    .addColumn("outcome", "text", (column) => column.notNull())
    .addColumn("reason_code", "text")
    .addColumn("reason", "text")
    .addColumn("started_at", "text")
    .addColumn("heard_at", "text")
    .addColumn("decided_at", "text")
    .addColumn("previous", "text")
    .addPrimaryKeyConstraint("rollout_members_key", ["project", "rollout", "device"])
    .execute();
  await database.schema
    .createIndex("rollout_members_device")
    .on("rollout_members")
    .columns(["project", "device"])
    .execute();
}
