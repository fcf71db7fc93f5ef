import type { AddressPool, Network } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readBoolean, readItems, readMap, readTemplate, readText, readTextMap } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

interface IpamDraft {
  driver?: string | undefined;
  options?: Readonly<Record<string, string>> | undefined;
  pools?: readonly AddressPool[] | undefined;
}

interface NetworkDraft extends Draft<Omit<Network, "ipam">> {
  ipam?: IpamDraft | undefined;
}

/** Fields of one pool under `ipam: config:`. */
export const POOL_FIELDS: Fields<Draft<AddressPool>> = {
  readers: {
    subnet: (draft, node, { problems }) => {
      draft.subnet = readTemplate(problems, node);
    },
    ip_range: (draft, node, { problems }) => {
      draft.ipRange = readTemplate(problems, node);
    },
    gateway: (draft, node, { problems }) => {
      draft.gateway = readTemplate(problems, node);
    },
    aux_addresses: (draft, node, { problems }) => {
      draft.auxiliaryAddresses = readTextMap(problems, node);
    },
  },
  refused: {},
};

export const IPAM_FIELDS: Fields<IpamDraft> = {
  readers: {
    driver: (draft, node, { problems }) => {
      const driver = readText(problems, node);
      if (driver !== "default") draft.driver = driver;
    },
    config: (draft, node, scope) => {
      draft.pools = readItems(scope.problems, node).flatMap((item) => {
        const map = readMap(scope.problems, item);
        const pool: Draft<AddressPool> = {};
        if (map !== undefined) readFields(map, POOL_FIELDS, pool, scope);
        return [compact(pool)];
      });
    },
    options: (draft, node, { problems }) => {
      draft.options = readTextMap(problems, node);
    },
  },
  refused: {},
};

export const NETWORK_FIELDS: Fields<NetworkDraft> = {
  readers: {
    driver: (draft, node, { problems }) => {
      draft.driver = readText(problems, node);
      if (draft.driver === "overlay")
        problems.add(node.place, "unsupported-field", "overlay networks exist in a swarm only");
    },
    driver_opts: (draft, node, { problems }) => {
      draft.driverOptions = readTextMap(problems, node);
    },
    internal: (draft, node, { problems }) => {
      draft.internal = readBoolean(problems, node);
    },
    labels: (draft, node, { problems }) => {
      draft.labels = readTextMap(problems, node);
    },
    ipam: (draft, node, scope) => {
      const map = readMap(scope.problems, node);
      draft.ipam = {};
      if (map !== undefined) readFields(map, IPAM_FIELDS, draft.ipam, scope);
    },
    attachable: (draft, node, { problems }) => {
      draft.attachable = readBoolean(problems, node);
    },
    enable_ipv4: (draft, node, { problems }) => {
      draft.enableIpv4 = readBoolean(problems, node);
    },
    enable_ipv6: (draft, node, { problems }) => {
      draft.enableIpv6 = readBoolean(problems, node);
    },
  },
  refused: {
    name: "the agent names networks <app>_<network>, so that apps do not meet by accident",
    external: "a network of the device that no app declares cannot be made or removed by the agent",
  },
};

/** One network under `networks:`; nothing means the engine's defaults. */
export function readNetwork(node: Node, scope: Scope): Network {
  if (node.kind === "scalar" && node.value === null) return {};
  const draft: NetworkDraft = {};
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, NETWORK_FIELDS, draft, scope);
  const { ipam, ...rest } = draft;
  return { ...compact(rest), ...toAddresses(ipam) };
}

/** One pool that is only a subnet and a gateway stands in the network itself. */
function toAddresses(ipam: IpamDraft | undefined): Pick<Network, "subnet" | "gateway" | "ipam"> {
  const pools = ipam?.pools ?? [];
  const [pool = {}, ...more] = pools;
  const isPlain = ipam?.driver === undefined && ipam?.options === undefined && more.length === 0;
  const { subnet, gateway, ...other } = pool;
  if (isPlain && Object.keys(other).length === 0) return compact({ subnet, gateway });
  return { ipam: { pools, ...compact({ driver: ipam?.driver, options: ipam?.options }) } };
}
