import { CodedError } from "@flotilla/base/errors";
import type { Labels } from "@flotilla/protocol/api/devices";
import type { Kysely } from "kysely";
import type { Tables } from "../store/tables.ts";
import { matches, type Selectable, type Selector } from "./selector.ts";
import type { DevicesTable } from "./tables.ts";

/** Devices read at once when a whole project is looked through. */
const CHUNK = 500;
/** What looks like an id is one: a device cannot take another's place by its name. */
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A device as selectors, targets and rollouts see it. */
export interface KnownDevice extends Selectable {
  readonly project: string;
  readonly labels: Labels;
  readonly revoked: boolean;
}

/** The row of the device with this id or name; throws `not-found`. */
export async function requireDevice(
  database: Kysely<Tables>,
  project: string,
  idOrName: string,
): Promise<DevicesTable> {
  const row = await database
    .selectFrom("devices")
    .selectAll()
    .where("project", "=", project)
    .where(ID.test(idOrName) ? "id" : "name", "=", idOrName)
    .executeTakeFirst();
  if (row === undefined) throw new CodedError("not-found", `project ${project} has no device ${idOrName}`);
  return row;
}

/** The device with this id, or undefined. */
export async function findDevice(
  database: Kysely<Tables>,
  project: string,
  id: string,
): Promise<KnownDevice | undefined> {
  const row = await database
    .selectFrom("devices")
    .select(["project", "id", "name", "labels", "revoked_at"])
    .where("project", "=", project)
    .where("id", "=", id)
    .executeTakeFirst();
  return row === undefined ? undefined : toKnownDevice(row);
}

/** What selectors look at, of a row. */
export function toKnownDevice(
  row: Pick<DevicesTable, "project" | "id" | "name" | "labels" | "revoked_at">,
): KnownDevice {
  return {
    project: row.project,
    id: row.id,
    name: row.name,
    labels: JSON.parse(row.labels) as Labels,
    revoked: row.revoked_at !== null,
  };
}

/** Devices of the project that are not revoked and match, in order of id, a few hundred at a time; after the device `after`. */
export async function* matchingDevices(
  database: Kysely<Tables>,
  project: string,
  selector: Selector,
): AsyncGenerator<readonly KnownDevice[]> {
  let after = "";
  for (;;) {
    const rows = await database
      .selectFrom("devices")
      .select(["project", "id", "name", "labels", "revoked_at"])
      .where("project", "=", project)
      .where("id", ">", after)
      .where("revoked_at", "is", null)
      .orderBy("id")
      .limit(CHUNK)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
    const matching = rows.map(toKnownDevice).filter((device) => matches(selector, device));
    if (matching.length > 0) yield matching;
  }
}

/** Whether the device exists and its key is still accepted: asked when it shows a registry token. */
export async function deviceIsActive(database: Kysely<Tables>, id: string, project: string): Promise<boolean> {
  const device = await findDevice(database, project, id);
  return device !== undefined && !device.revoked;
}
