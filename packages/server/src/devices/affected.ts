import type { Context } from "../context.ts";
import { matchingDevices } from "./devices.ts";
import { parseSelector } from "./selector.ts";

/** Says that the target of every device that matches may have changed; those that are connected are looked at again. */
export async function publishTargets({ database, bus }: Context, project: string, selector: string): Promise<void> {
  for await (const devices of matchingDevices(database.read, project, parseSelector(selector)))
    for (const { id } of devices) bus.publish("device.target", { project, device: id });
}
