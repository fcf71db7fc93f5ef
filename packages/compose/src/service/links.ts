import type { NetworkAttachment, Service } from "../app.ts";
import { readItems, readText } from "../read.ts";
import type { Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

/** `links:`: `service` or `service:alias`. */
export function readLinks(node: Node, owner: string, scope: Scope): void {
  for (const item of readItems(scope.problems, node)) {
    const text = readText(scope.problems, item);
    const match = text === undefined ? null : /^([^:]+)(?::([^:]+))?$/.exec(text);
    const [, service, alias] = match ?? [];
    if (service === undefined) {
      if (text !== undefined) scope.problems.add(item.place, "bad-value", "expected service or service:alias");
      continue;
    }
    scope.uses.push({ kind: "service", name: service, place: item.place });
    scope.links.push({ owner, service, alias, place: item.place });
  }
}

/** Services with the names that links give them: aliases on the networks that both sides are on. */
export function linkServices(
  services: Readonly<Record<string, Service>>,
  { links, problems }: Scope,
): Readonly<Record<string, Service>> {
  const result = { ...services };
  for (const { owner, service, alias, place } of links) {
    const [from, to] = [result[owner], result[service]];
    if (from === undefined || to === undefined) continue;
    const shared = Object.keys(to.networks).filter((name) => Object.hasOwn(from.networks, name));
    if (shared.length === 0)
      problems.add(place, "bad-value", `${owner} and ${service} are on no common network: put both on one`);
    if (alias !== undefined && alias !== service) result[service] = withAlias(to, alias, shared);
  }
  return result;
}

function withAlias(service: Service, alias: string, on: readonly string[]): Service {
  const networks: Record<string, NetworkAttachment> = {};
  for (const [name, attachment] of Object.entries(service.networks)) {
    const aliases = [...new Set([...(attachment.aliases ?? []), alias])];
    networks[name] = on.includes(name) ? { ...attachment, aliases } : attachment;
  }
  return { ...service, networks };
}
