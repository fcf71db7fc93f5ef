import type { DeviceList, DeviceListQuery } from "@flotilla/protocol/api/devices";
import type { Context } from "../context.ts";
import { decodeCursor, encodeCursor, pageSize } from "../http/paging.ts";
import { toKnownDevice } from "./devices.ts";
import type { Presence } from "./presence.ts";
import { matches, parseSelector } from "./selector.ts";
import type { DevicesTable } from "./tables.ts";
import { viewDevices } from "./view.ts";

/** Rows looked at for one page; a page that the selector left short tells where to go on. */
const MAX_LOOKED_AT = 20_000;
const CHUNK = 500;

/** A page of the devices that match the selector, in order of id, that is of enrolment. */
export async function listDevices(
  context: Context,
  presence: Presence,
  project: string,
  query: DeviceListQuery,
): Promise<DeviceList> {
  const selector = parseSelector(query.selector ?? "");
  const limit = pageSize(query);
  let after = decodeCursor(query.cursor, ["string"])?.[0] ?? "";
  const found: DevicesTable[] = [];
  let more = true;
  for (let looked = 0; found.length <= limit && more && looked < MAX_LOOKED_AT; looked += CHUNK) {
    const rows = await readChunk(context, project, after);
    more = rows.length === CHUNK;
    after = rows.at(-1)?.id ?? after;
    found.push(...rows.filter((row) => matches(selector, toKnownDevice(row))));
  }
  const shown = found.slice(0, limit);
  const next = found.length > limit ? shown.at(-1)?.id : more ? after : undefined;
  const items = [...(await viewDevices(context.database.read, presence, shown))];
  return next === undefined ? { items } : { items, next: encodeCursor([next]) };
}

function readChunk(context: Context, project: string, after: string): Promise<DevicesTable[]> {
  return context.database.read
    .selectFrom("devices")
    .selectAll()
    .where("project", "=", project)
    .where("id", ">", after)
    .orderBy("id")
    .limit(CHUNK)
    .execute();
}
