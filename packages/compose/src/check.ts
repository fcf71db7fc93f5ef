import type { NormalisedApp, Service } from "./app.ts";
import { findCycle } from "./order.ts";
import type { Place, Problems } from "./problem.ts";
import { sharedServices } from "./service/namespaces.ts";
import { plainText } from "./template.ts";

type Services = NormalisedApp["services"];

/** What fields say together: cycles, host ports, networks of the host. `placeOf` finds where a field of a service stands. */
export function checkServices(
  services: Services,
  placeOf: (service: string, field: string) => Place,
  problems: Problems,
): void {
  const cycle = findCycle({ services });
  const [first] = cycle ?? [];
  if (cycle !== undefined && first !== undefined)
    problems.add(
      placeOf(first, "depends_on"),
      "dependency-cycle",
      `${[...cycle, first].join(" → ")} wait for each other`,
    );
  for (const [name, service] of Object.entries(services)) {
    checkNetworkMode(name, service, placeOf, problems);
    checkLimits(service, (field) => placeOf(name, field), problems);
    for (const shared of sharedServices(service))
      if (services[shared]?.replicas === 0)
        problems.add(
          placeOf(name, "network_mode"),
          "bad-value",
          `${shared} has no container to share with: replicas is 0`,
        );
  }
  checkHostPorts(services, placeOf, problems);
}

function checkNetworkMode(
  name: string,
  service: Service,
  placeOf: (service: string, field: string) => Place,
  problems: Problems,
): void {
  if (service.networkMode === undefined) return;
  if (Object.keys(service.networks).length > 0)
    problems.add(placeOf(name, "networks"), "bad-value", "networks and network_mode exclude each other");
  if (service.ports.length > 0 && service.networkMode !== "bridge")
    problems.add(
      placeOf(name, "ports"),
      "bad-value",
      `with network_mode: ${service.networkMode} no port is published: remove ports`,
    );
}

/** Combinations that every engine refuses (moby, daemon/verifyPlatformContainerResources). */
function checkLimits({ resources }: Service, placeOf: (field: string) => Place, problems: Problems): void {
  const { memoryBytes, memorySwapBytes, memoryReservationBytes, cpus, cpuQuotaUs, cpuPeriodUs } = resources;
  if (memorySwapBytes !== undefined && memoryBytes === undefined)
    problems.add(placeOf("memswap_limit"), "missing-field", "memswap_limit needs mem_limit");
  else if (memorySwapBytes !== undefined && memorySwapBytes !== -1 && memorySwapBytes < (memoryBytes ?? 0))
    problems.add(
      placeOf("memswap_limit"),
      "bad-value",
      "memswap_limit is memory and swap together: it is no less than mem_limit",
    );
  if (memoryBytes !== undefined && (memoryReservationBytes ?? 0) > memoryBytes)
    problems.add(placeOf("mem_reservation"), "bad-value", "more memory is reserved than the limit allows");
  if (cpus !== undefined && (cpuQuotaUs !== undefined || cpuPeriodUs !== undefined))
    problems.add(placeOf("cpus"), "bad-value", "cpus and cpu_quota or cpu_period exclude each other");
}

/** Two services, or two replicas, cannot hold one port of the host. */
function checkHostPorts(
  services: Services,
  placeOf: (service: string, field: string) => Place,
  problems: Problems,
): void {
  const holders = new Map<string, string>();
  for (const [name, service] of Object.entries(services)) {
    for (const port of service.ports) {
      if (port.published === undefined || port.published === "0" || !isSinglePort(port.published)) continue;
      const key = `${port.hostIp ?? "*"} ${port.published}/${port.protocol}`;
      const text = `host port ${port.published}/${port.protocol}`;
      const holder = holders.get(key);
      if (holder !== undefined)
        problems.add(placeOf(name, "ports"), "bad-value", `${text} is published by ${holder} already`);
      else if (service.replicas > 1)
        problems.add(
          placeOf(name, "ports"),
          "bad-value",
          `${text} can be held by one of the ${service.replicas} replicas only`,
        );
      holders.set(key, name);
    }
  }
}

function isSinglePort(published: string): boolean {
  return plainText(published) !== undefined && !published.includes("-");
}
