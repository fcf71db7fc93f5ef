import type { Problems } from "../problem.ts";
import type { Entry, MapNode } from "../tree.ts";

/** The tree without the services that none of `profiles` turns on, and the names of those. `*` turns on all. */
export function activeServices(
  tree: MapNode,
  profiles: readonly string[],
  warnings: Problems,
): { readonly tree: MapNode; readonly leftOut: ReadonlySet<string> } {
  const services = tree.entries.get("services");
  const leftOut = new Set<string>();
  if (services?.node.kind !== "map" || profiles.includes("*")) return { tree, leftOut };
  const entries = new Map<string, Entry>();
  for (const [name, entry] of services.node.entries) {
    const wanted = profilesOf(entry);
    if (wanted.length === 0 || wanted.some((profile) => profiles.includes(profile))) {
      entries.set(name, entry);
      continue;
    }
    leftOut.add(name);
    const many = wanted.length > 1 ? "profiles" : "profile";
    warnings.add(
      entry.keyPlace,
      "left-out",
      `the service ${name} is left out: give --profile to take in its ${many} ${wanted.join(", ")}`,
    );
  }
  const node: MapNode = { ...services.node, entries };
  return { tree: { ...tree, entries: new Map(tree.entries).set("services", { ...services, node }) }, leftOut };
}

function profilesOf({ node }: Entry): readonly string[] {
  const profiles = node.kind === "map" ? node.entries.get("profiles")?.node : undefined;
  if (profiles?.kind !== "list") return [];
  return profiles.items.flatMap((item) => (item.kind === "scalar" && item.value !== null ? [String(item.value)] : []));
}
