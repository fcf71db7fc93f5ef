import type { NetworkAttachment, Service } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readInteger, readItems, readTemplate, readTemplates, readText, readTextMap } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

const MAX_PRIORITY = 1_000_000;

/** Fields of one network under `networks:` of a service. */
export const ATTACHMENT_FIELDS: Fields<Draft<NetworkAttachment>> = {
  readers: {
    aliases: (draft, node, { problems }) => {
      draft.aliases = readTemplates(problems, node);
    },
    ipv4_address: (draft, node, { problems }) => {
      draft.ipv4Address = readTemplate(problems, node);
    },
    ipv6_address: (draft, node, { problems }) => {
      draft.ipv6Address = readTemplate(problems, node);
    },
    link_local_ips: (draft, node, { problems }) => {
      draft.linkLocalIps = readTemplates(problems, node);
    },
    mac_address: (draft, node, { problems }) => {
      draft.macAddress = readTemplate(problems, node);
    },
    interface_name: (draft, node, { problems }) => {
      draft.interfaceName = readTemplate(problems, node);
    },
    driver_opts: (draft, node, { problems }) => {
      draft.driverOptions = readTextMap(problems, node);
    },
    priority: (draft, node, { problems }) => {
      draft.priority = readInteger(problems, node, -MAX_PRIORITY, MAX_PRIORITY);
    },
    gw_priority: (draft, node, { problems }) => {
      draft.gatewayPriority = readInteger(problems, node, -MAX_PRIORITY, MAX_PRIORITY);
    },
  },
  refused: {},
};

/** `networks:` of a service, as names or with an attachment each. */
export function readAttachments(node: Node, scope: Scope): Service["networks"] {
  const result: Record<string, NetworkAttachment> = {};
  if (node.kind === "map") {
    for (const [name, { keyPlace, node: value }] of node.entries) {
      const draft: Draft<NetworkAttachment> = {};
      if (value.kind === "map") readFields(value, ATTACHMENT_FIELDS, draft, scope);
      else if (value.kind === "list" || value.value !== null)
        scope.problems.add(value.place, "bad-value", "expected a mapping or nothing");
      scope.uses.push({ kind: "network", name, place: keyPlace });
      result[name] = compact(draft);
    }
    return result;
  }
  for (const item of readItems(scope.problems, node)) {
    const name = readText(scope.problems, item);
    if (name === undefined) continue;
    scope.uses.push({ kind: "network", name, place: item.place });
    result[name] = {};
  }
  return result;
}
