import type { Kysely } from "kysely";
import type { DevicePulls } from "../registry/admission.ts";
import type { Tables } from "../store/tables.ts";
import type { TargetSummary } from "../targets/targets.ts";
import { deviceIsActive } from "./devices.ts";

/** Answers from the targets as they are stored. */
export function createDevicePulls(database: Kysely<Tables>): DevicePulls {
  return {
    async mayPull(deviceId, project, repository) {
      if (!(await deviceIsActive(database, deviceId, project))) return false;
      const row = await database
        .selectFrom("device_targets")
        .select("apps")
        .where("project", "=", project)
        .where("device", "=", deviceId)
        .executeTakeFirst();
      if (row === undefined) return false;
      const apps = Object.values(JSON.parse(row.apps) as TargetSummary);
      return apps.some((app) => app.repository === repository || app.images.includes(repository));
    },
  };
}
