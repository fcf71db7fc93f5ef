import type { NetworkAttachment } from "@flotilla/compose/app";
import { type ContainerSpec, LABELS } from "../ports.ts";

/** Driver option that names the interface (libnetwork, netlabel.Ifname). */
const INTERFACE_NAME = "com.docker.network.endpoint.ifname";

/** `EndpointSettings` of the Engine API. */
export interface EndpointBody {
  readonly Aliases: readonly string[];
  readonly IPAMConfig?: {
    readonly IPv4Address?: string;
    readonly IPv6Address?: string;
    readonly LinkLocalIPs?: readonly string[];
  };
  readonly MacAddress?: string;
  readonly DriverOpts?: Readonly<Record<string, string>>;
  readonly GwPriority?: number;
}

export interface Endpoint {
  /** Engine name of the network. */
  readonly network: string;
  readonly body: EndpointBody;
}

/**
 * The networks a container joins: by their priority, then in the order of the app. Everywhere it answers to its service's name. Engines before API 1.44 take only
 * one network at creation, so the caller gives the first there and connects the rest before the start.
 */
export function endpointsOf(spec: ContainerSpec): readonly Endpoint[] {
  if (spec.service.networkMode !== undefined) return [];
  const service = spec.labels[LABELS.service];
  const priority = ([, attachment]: readonly [string, NetworkAttachment]) => attachment.priority ?? 0;
  const attachments = Object.entries(spec.service.networks).toSorted((a, b) => priority(b) - priority(a));
  return attachments.map(([name, attachment]) => {
    const aliases = [...(service === undefined ? [] : [service]), ...(attachment.aliases ?? [])];
    const addresses = {
      ...(attachment.ipv4Address === undefined ? {} : { IPv4Address: attachment.ipv4Address }),
      ...(attachment.ipv6Address === undefined ? {} : { IPv6Address: attachment.ipv6Address }),
      ...(attachment.linkLocalIps === undefined ? {} : { LinkLocalIPs: attachment.linkLocalIps }),
    };
    const options = {
      ...attachment.driverOptions,
      ...(attachment.interfaceName === undefined ? {} : { [INTERFACE_NAME]: attachment.interfaceName }),
    };
    return {
      network: spec.networks[name] ?? name,
      body: {
        Aliases: [...new Set(aliases)],
        ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }),
        ...(Object.keys(options).length === 0 ? {} : { DriverOpts: options }),
        ...(attachment.macAddress === undefined ? {} : { MacAddress: attachment.macAddress }),
        ...(attachment.gatewayPriority === undefined ? {} : { GwPriority: attachment.gatewayPriority }),
      },
    };
  });
}
