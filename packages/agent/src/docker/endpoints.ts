import { type ContainerSpec, LABELS } from "../ports.ts";

/** `EndpointSettings` of the Engine API. */
export interface EndpointBody {
  readonly Aliases: readonly string[];
  readonly IPAMConfig?: { readonly IPv4Address?: string; readonly IPv6Address?: string };
}

export interface Endpoint {
  /** Engine name of the network. */
  readonly network: string;
  readonly body: EndpointBody;
}

/**
 * The networks a container joins, in the order of the app. Everywhere it answers to its service's name. Engines before API 1.44 take only
 * one network at creation, so the caller gives the first there and connects the rest before the start.
 */
export function endpointsOf(spec: ContainerSpec): readonly Endpoint[] {
  if (spec.service.networkMode !== undefined) return [];
  const service = spec.labels[LABELS.service];
  return Object.entries(spec.service.networks).map(([name, attachment]) => {
    const aliases = [...(service === undefined ? [] : [service]), ...(attachment.aliases ?? [])];
    const addresses = {
      ...(attachment.ipv4Address === undefined ? {} : { IPv4Address: attachment.ipv4Address }),
      ...(attachment.ipv6Address === undefined ? {} : { IPv6Address: attachment.ipv6Address }),
    };
    return {
      network: spec.networks[name] ?? name,
      body: {
        Aliases: [...new Set(aliases)],
        ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }),
      },
    };
  });
}
