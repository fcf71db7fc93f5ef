import type { Service } from "../app.ts";
import { quote, readText } from "../read.ts";
import type { Scope } from "../scope.ts";
import type { Node } from "../tree.ts";
import { sharedServices } from "./namespaces.ts";

/** The label that stands for `x-flotilla: strategy:`. It is taken out of the labels. */
export const STRATEGY_LABEL = "io.flotilla.strategy";

/** `recreate` (what happens without a word), `start-first` or `delete-then-download`. */
export function readStrategy(node: Node, scope: Scope): Service["strategy"] {
  const text = readText(scope.problems, node);
  return text === undefined ? undefined : strategyOf(text, node.place, scope);
}

/** The strategy that `text` names. */
export function strategyOf(text: string, place: Node["place"], { problems }: Scope): Service["strategy"] {
  if (text === "start-first" || text === "delete-then-download") return text;
  if (text !== "recreate")
    problems.add(
      place,
      "bad-value",
      `a strategy is recreate, start-first or delete-then-download, found ${quote(text)}`,
    );
  return undefined;
}

/** Why two releases of a service that starts first cannot run beside each other. Empty for any other service. */
export function overlapProblems(
  service: Pick<Service, "strategy" | "ports" | "networks" | "networkMode" | "pidMode" | "ipcMode">,
): readonly string[] {
  if (service.strategy !== "start-first") return [];
  const together = "old and new containers run at the same time";
  const ports = service.ports.flatMap(({ published }) =>
    published === undefined || published.includes("-") ? [] : published,
  );
  const fixed = Object.values(service.networks).some(
    ({ ipv4Address, ipv6Address }) => ipv4Address !== undefined || ipv6Address !== undefined,
  );
  return [
    ...(ports.length === 0 ? [] : [`start-first cannot publish the fixed host port ${ports[0]}: ${together}`]),
    ...(fixed ? [`start-first cannot have a fixed address: ${together}`] : []),
    ...(service.networkMode === "host" ? [`start-first cannot use the host's network: ${together}`] : []),
    ...(sharedServices(service).length === 0
      ? []
      : [`start-first cannot share another service's namespace: ${together}`]),
  ];
}
