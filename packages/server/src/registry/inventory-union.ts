import type { Inventory, Location, Package } from "@flotilla/guard/model";

/** What the images of an index hold together: each package once, with the places of all platforms. */
export function unionOf(inventories: readonly Inventory[]): Inventory {
  const packages = new Map<string, Package>();
  for (const inventory of inventories)
    for (const found of inventory.packages) {
      const other = packages.get(found.purl);
      packages.set(found.purl, other === undefined ? found : joined(other, found));
    }
  const os = inventories.find((inventory) => inventory.os !== undefined)?.os;
  return {
    packages: [...packages.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
    secrets: unique(inventories.flatMap(({ secrets }) => secrets)),
    problems: unique(inventories.flatMap(({ problems }) => problems)),
    notCovered: unique(inventories.flatMap(({ notCovered }) => notCovered ?? [])),
    ...(os === undefined ? {} : { os }),
  };
}

function joined(one: Package, other: Package): Package {
  const locations: readonly Location[] = unique([...one.locations, ...other.locations]);
  return { ...(one.evidence === "installed" ? one : other), locations };
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
