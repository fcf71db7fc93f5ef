import { join } from "node:path";
import { mapLimit } from "@flotilla/base/semaphore";
import { createSimDevice, type SimDevice, type SimDeviceOptions } from "./device.ts";

const ENROL_AT_A_TIME = 5;

export interface FleetOptions extends Omit<SimDeviceOptions, "name" | "folder" | "provisioningToken"> {
  readonly devices: readonly { readonly name: string; readonly provisioningToken: string }[];
  /** Every device gets a folder of its name in it. */
  readonly folder: string;
}

export interface Fleet {
  readonly devices: readonly SimDevice[];
  /** Runs every agent until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Enrols many devices. Every third one is an arm64 machine, and each has its own pace. */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const numbered = options.devices.map((device, index) => ({ ...device, index }));
  const devices = await mapLimit(numbered, ENROL_AT_A_TIME, ({ name, provisioningToken, index }) =>
    createSimDevice({
      ...options,
      name,
      provisioningToken,
      folder: join(options.folder, name),
      architecture: index % 3 === 2 ? "arm64" : "amd64",
      pace: 0.6 + (index % 7) * 0.15,
    }),
  );
  return {
    devices,
    run: async (signal) => {
      await Promise.all(devices.map((device) => device.run(signal)));
    },
  };
}
