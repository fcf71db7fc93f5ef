import type { NormalisedApp, Service } from "./app.ts";
import { findCycle } from "./order.ts";
import type { Place, Problems } from "./problem.ts";
import { sharedService } from "./service/namespaces.ts";
import { plainText } from "./template.ts";

type Services = NormalisedApp["services"];
type PlaceOf = (service: string, field: string) => Place;

/** What fields say together: cycles, host ports, networks of the host. `placeOf` finds where a field of a service stands. */
export function checkServices(
  { services, networks }: Pick<NormalisedApp, "services" | "networks">,
  placeOf: PlaceOf,
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
    checkShared(name, service, services, placeOf, problems);
    for (const [network, { ipv4Address, ipv6Address }] of Object.entries(service.networks))
      if ((ipv4Address ?? ipv6Address) !== undefined && !hasSubnet(networks[network]))
        problems.add(
          placeOf(name, "networks"),
          "missing-field",
          `a fixed address needs a subnet: give ${network} one under ipam: config:`,
        );
  }
  checkHostPorts(services, placeOf, problems);
}

function hasSubnet(network: NormalisedApp["networks"][string] | undefined): boolean {
  return network?.subnet !== undefined || network?.ipam?.pools.some(({ subnet }) => subnet !== undefined) === true;
}

/** What cannot be said of a container in another's network: that one says it (moby, runconfig/hostconfig). */
const OF_THE_NETWORK: readonly (readonly [field: string, said: (service: Service) => boolean])[] = [
  ["hostname", ({ hostname }) => hostname !== undefined],
  ["domainname", ({ domainname }) => domainname !== undefined],
  ["dns", ({ dns }) => dns !== undefined],
  ["dns_opt", ({ dnsOptions }) => dnsOptions !== undefined],
  ["dns_search", ({ dnsSearch }) => dnsSearch !== undefined],
  ["extra_hosts", ({ extraHosts }) => extraHosts !== undefined],
  ["expose", ({ expose }) => expose.length > 0],
];

/** What sharing the namespaces of another service asks of both. */
function checkShared(name: string, service: Service, services: Services, placeOf: PlaceOf, problems: Problems): void {
  const bad = (field: string, message: string) => problems.add(placeOf(name, field), "bad-value", message);
  for (const [field, mode] of [
    ["network_mode", service.networkMode],
    ["pid", service.pidMode],
    ["ipc", service.ipcMode],
  ] as const) {
    const shared = sharedService(mode);
    const other = shared === undefined ? undefined : services[shared];
    if (other === undefined) continue;
    if (shared === name) bad(field, "a service cannot share with itself");
    if (other.replicas === 0) bad(field, `${shared} has no container to share with: replicas is 0`);
    if (field === "ipc" && !["shareable", "host"].includes(other.ipcMode ?? ""))
      bad(field, `${shared} keeps its IPC namespace to itself: give it ipc: shareable`);
    if (field === "network_mode")
      for (const [own, said] of OF_THE_NETWORK)
        if (said(service)) bad(own, `with network_mode: ${mode} it is what ${shared} says: remove ${own} here`);
  }
  if (service.utsMode === "host" && service.hostname !== undefined)
    bad("hostname", "with uts: host it is the device's: remove hostname");
}

function checkNetworkMode(name: string, service: Service, placeOf: PlaceOf, problems: Problems): void {
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
function checkHostPorts(services: Services, placeOf: PlaceOf, problems: Problems): void {
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
