import type { Network } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { quote, readBoolean, readItems, readMap, readTemplate, readText, readTextMap } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

interface IpamDraft {
  subnet?: string | undefined;
  gateway?: string | undefined;
}

const IPAM_CONFIG_FIELDS: Fields<IpamDraft> = {
  readers: {
    subnet: (draft, node, { problems }) => {
      draft.subnet = readTemplate(problems, node);
    },
    gateway: (draft, node, { problems }) => {
      draft.gateway = readTemplate(problems, node);
    },
  },
  refused: { ip_range: "addresses are taken from the whole subnet", aux_addresses: "addresses are left to the engine" },
};

const IPAM_FIELDS: Fields<IpamDraft> = {
  readers: {
    driver: (_, node, { problems }) => {
      const driver = readText(problems, node);
      if (driver !== undefined && driver !== "default")
        problems.add(
          node.place,
          "unsupported-field",
          `the address driver ${quote(driver)} is not on a device: default is`,
        );
    },
    config: (draft, node, scope) => {
      const [first, second] = readItems(scope.problems, node);
      if (second !== undefined) scope.problems.add(second.place, "unsupported-field", "a network has one subnet here");
      const map = first === undefined ? undefined : readMap(scope.problems, first);
      if (map !== undefined) readFields(map, IPAM_CONFIG_FIELDS, draft, scope);
    },
  },
  refused: { options: "the engine's own address driver has none" },
};

export const NETWORK_FIELDS: Fields<Draft<Network>> = {
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
      if (map !== undefined) readFields(map, IPAM_FIELDS, draft, scope);
    },
  },
  refused: {
    name: "the agent names networks <app>_<network>, so that apps do not meet by accident",
    external: "a network of the device that no app declares cannot be made or removed by the agent",
    attachable: "only a swarm has it",
    enable_ipv4: "the engine's own setting is used",
    enable_ipv6: "the engine's own setting is used",
  },
};

/** One network under `networks:`; nothing means the engine's defaults. */
export function readNetwork(node: Node, scope: Scope): Network {
  if (node.kind === "scalar" && node.value === null) return {};
  const draft: Draft<Network> = {};
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, NETWORK_FIELDS, draft, scope);
  return compact(draft);
}
