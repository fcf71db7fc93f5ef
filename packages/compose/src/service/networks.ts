import type { NetworkAttachment, Service } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readItems, readTemplate, readTemplates, readText } from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

const ATTACHMENT_FIELDS: Fields<Draft<NetworkAttachment>> = {
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
  },
  refused: {
    interface_name: "older engines cannot name interfaces",
    link_local_ips: "link-local addresses are left to the engine",
    mac_address: "MAC addresses are left to the engine",
    driver_opts: "put driver_opts on the network under networks:",
    priority: "interfaces are joined in the order of the names",
    gw_priority: "older engines cannot choose the gateway's network",
  },
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

/** `network_mode:`; sharing another container's network is refused. */
export function readNetworkMode(node: Node, scope: Scope): Service["networkMode"] {
  const text = readText(scope.problems, node);
  if (text === "bridge" || text === "host" || text === "none") return text;
  if (text !== undefined)
    scope.problems.add(
      node.place,
      "unsupported-field",
      `network_mode ${text} is not supported: bridge, host and none are`,
    );
  return undefined;
}
