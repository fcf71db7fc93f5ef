import type { AddressPool, Network } from "@flotilla/compose/app";
import type { NetworkSpec, VolumeSpec } from "../ports.ts";
import { given } from "./container-body.ts";
import type { EngineHttp } from "./http.ts";

export async function createNetwork(http: EngineHttp, spec: NetworkSpec, signal?: AbortSignal): Promise<void> {
  await http.call({ method: "POST", path: "/networks/create", json: networkBody(spec), signal });
}

/** `POST /networks/create`. */
export function networkBody(spec: NetworkSpec): Readonly<Record<string, unknown>> {
  const { network } = spec;
  const ipam = ipamOf(network);
  return {
    Name: spec.name,
    CheckDuplicate: true,
    Driver: network.driver ?? "bridge",
    Internal: network.internal ?? false,
    Options: network.driverOptions ?? {},
    Labels: { ...network.labels, ...spec.labels },
    ...given("Attachable", network.attachable),
    ...given("EnableIPv4", network.enableIpv4),
    ...given("EnableIPv6", network.enableIpv6),
    ...(Object.keys(ipam).length === 0 ? {} : { IPAM: ipam }),
  };
}

function ipamOf({ subnet, gateway, ipam }: Network): Readonly<Record<string, unknown>> {
  const plain =
    subnet === undefined && gateway === undefined ? [] : [{ ...given("subnet", subnet), ...given("gateway", gateway) }];
  const pools: readonly AddressPool[] = ipam?.pools ?? plain;
  return {
    ...given("Driver", ipam?.driver),
    ...given("Options", ipam?.options),
    ...(pools.length === 0 ? {} : { Config: pools.map(poolOf) }),
  };
}

function poolOf(pool: AddressPool): Readonly<Record<string, unknown>> {
  return {
    ...given("Subnet", pool.subnet),
    ...given("IPRange", pool.ipRange),
    ...given("Gateway", pool.gateway),
    ...given("AuxiliaryAddresses", pool.auxiliaryAddresses),
  };
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
