import type { NetworkSpec, VolumeSpec } from "../ports.ts";
import type { EngineHttp } from "./http.ts";

export async function createNetwork(http: EngineHttp, spec: NetworkSpec, signal?: AbortSignal): Promise<void> {
  const { network } = spec;
  const pool = {
    ...(network.subnet && { Subnet: network.subnet }),
    ...(network.gateway && { Gateway: network.gateway }),
  };
  const body = {
    Name: spec.name,
    CheckDuplicate: true,
    Driver: network.driver ?? "bridge",
    Internal: network.internal ?? false,
    Options: network.driverOptions ?? {},
    Labels: { ...network.labels, ...spec.labels },
    ...(Object.keys(pool).length === 0 ? {} : { IPAM: { Config: [pool] } }),
  };
  await http.call({ method: "POST", path: "/networks/create", json: body, signal });
}

/** Removes a network; one that is gone already is no error. */
export async function removeNetwork(http: EngineHttp, name: string, signal?: AbortSignal): Promise<void> {
  await http.call({ method: "DELETE", path: `/networks/${encodeURIComponent(name)}`, accept: [404], signal });
}

/** Creates a volume, or leaves the one of this name as it is. */
export async function createVolume(http: EngineHttp, spec: VolumeSpec, signal?: AbortSignal): Promise<void> {
  const { volume } = spec;
  const body = {
    Name: spec.name,
    Driver: volume.driver ?? "local",
    DriverOpts: volume.driverOptions ?? {},
    Labels: { ...volume.labels, ...spec.labels },
  };
  await http.call({ method: "POST", path: "/volumes/create", json: body, signal });
}
