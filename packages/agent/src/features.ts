import type { Network, Service } from "@flotilla/compose/app";
import type { EngineFacts } from "./ports.ts";
import type { Refusal } from "./preflight.ts";
import type { Instance } from "./spec.ts";

/** Parts of a service that an engine has since a minor number of its API (Engine API, version history). */
const SERVICE_FEATURES: readonly (readonly [minor: number, what: string, asked: (service: Service) => boolean])[] = [
  [41, "cgroup", ({ cgroupMode }) => cgroupMode !== undefined],
  [43, "annotations", ({ annotations }) => annotations !== undefined],
  [44, "healthcheck start_interval", ({ healthcheck }) => healthcheck?.startIntervalMs !== undefined],
  [44, "networks mac_address", attached(({ macAddress }) => macAddress !== undefined)],
  [44, "volumes bind recursive", ({ mounts }) => mounts.some((mount) => "recursive" in mount)],
  [45, "volumes volume subpath", ({ mounts }) => mounts.some((mount) => "subpath" in mount)],
  [48, "networks gw_priority", attached(({ gatewayPriority }) => gatewayPriority !== undefined)],
  [49, "networks interface_name", attached(({ interfaceName }) => interfaceName !== undefined)],
];

const NETWORK_FEATURES: readonly (readonly [minor: number, what: string, asked: (network: Network) => boolean])[] = [
  [48, "enable_ipv4", ({ enableIpv4 }) => enableIpv4 !== undefined],
];

type Attachment = Service["networks"][string];

function attached(asks: (attachment: Attachment) => boolean): (service: Service) => boolean {
  return ({ networks }) => Object.values(networks).some(asks);
}

/** The first thing that an app asks for and that this engine cannot do, or undefined. Pure. */
export function checkFeatures(instance: Instance, engine: EngineFacts): Refusal | undefined {
  for (const { name, service } of instance.services) {
    const found = checkService(name, service, engine);
    if (found !== undefined) return found;
  }
  for (const { key, network } of instance.networks)
    for (const [minor, what, asked] of NETWORK_FEATURES)
      if (asked(network) && !apiAtLeast(engine.api, minor)) return tooOld(`network ${key}: ${what}`, minor, engine);
  return undefined;
}

function checkService(name: string, service: Service, engine: EngineFacts): Refusal | undefined {
  const { resources, runtime } = service;
  for (const [minor, what, asked] of SERVICE_FEATURES)
    if (asked(service) && !apiAtLeast(engine.api, minor)) return tooOld(`service ${name}: ${what}`, minor, engine);
  if (resources.cpus !== undefined && resources.cpus > engine.cpus)
    return refusal("cpus", `service ${name} asks for ${resources.cpus} cpus, this device has ${engine.cpus}`);
  const last = lastProcessor(resources.cpuset);
  if (last >= engine.cpus)
    return refusal("cpus", `service ${name}: cpuset names processor ${last}, this device has ${engine.cpus}, from 0`);
  if (runtime !== undefined && engine.runtimes !== undefined && !engine.runtimes.includes(runtime))
    return refusal(
      "feature-missing",
      `service ${name}: the engine has no runtime ${runtime}: it has ${engine.runtimes.join(", ")}`,
    );
  const lacking = engine.cgroupVersion === "2" ? cgroup1Field(resources) : undefined;
  return lacking === undefined
    ? undefined
    : refusal("feature-missing", `service ${name}: ${lacking} needs cgroup v1, this device has cgroup v2`);
}

/** What the engine drops with a warning on cgroup v2 (moby, daemon/daemon_unix.go, verifyPlatformContainerResources). */
function cgroup1Field(resources: Service["resources"]): string | undefined {
  if (resources.memorySwappiness !== undefined) return "mem_swappiness";
  if (resources.oomKillDisable === true) return "oom_kill_disable";
  if (resources.cpuRealtimePeriodUs !== undefined) return "cpu_rt_period";
  return resources.cpuRealtimeRuntimeUs === undefined ? undefined : "cpu_rt_runtime";
}

function lastProcessor(cpuset: string | undefined): number {
  return Math.max(-1, ...(cpuset?.split(/[-,]/).map(Number) ?? []));
}

function apiAtLeast(api: string, minor: number): boolean {
  const [haveMajor = 0, haveMinor = 0] = api.split(".").map(Number);
  return haveMajor > 1 || (haveMajor === 1 && haveMinor >= minor);
}

function tooOld(what: string, minor: number, { api }: EngineFacts): Refusal {
  return refusal("engine-too-old", `${what} needs engine API 1.${minor}, this one has ${api}`);
}

function refusal(code: string, reason: string): Refusal {
  return { code, reason, mayPass: false };
}
