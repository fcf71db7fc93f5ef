import { orderOf } from "@flotilla/guard/ecosystems/orders";
import type { Package } from "@flotilla/guard/model";
import type { PackageChange } from "@flotilla/protocol/api/release-diff";

/**
 * Packages that came, went or changed their version. Versions that both have are no change; of a package with several versions (npm), the
 * ones that went and came are paired from the highest down. Pure.
 */
export function diffPackages(
  image: string,
  from: readonly Package[],
  to: readonly Package[],
): readonly PackageChange[] {
  const [before, after] = [byName(from), byName(to)];
  const keys = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return keys.flatMap((key) => {
    const [olds, news] = [before.get(key), after.get(key)];
    const found = news ?? olds;
    return found === undefined ? [] : versionChanges(image, found, olds?.versions, news?.versions);
  });
}

interface Found {
  readonly ecosystem: Package["ecosystem"];
  readonly name: string;
  readonly versions: ReadonlySet<string>;
}

function byName(packages: readonly Package[]): ReadonlyMap<string, Found> {
  const found = new Map<string, Found & { readonly versions: Set<string> }>();
  for (const { ecosystem, name, version } of packages) {
    const key = `${ecosystem} ${name}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { ecosystem, name, versions: new Set([version]) });
    else known.versions.add(version);
  }
  return found;
}

function versionChanges(
  image: string,
  { ecosystem, name }: Found,
  before: ReadonlySet<string> = new Set(),
  after: ReadonlySet<string> = new Set(),
): readonly PackageChange[] {
  const order = orderOf(ecosystem);
  const highestFirst = (a: string, b: string) => order.compare(b, a);
  const gone = [...before].filter((version) => !after.has(version)).sort(highestFirst);
  const come = [...after].filter((version) => !before.has(version)).sort(highestFirst);
  const base = { image, ecosystem, name };
  return Array.from({ length: Math.max(gone.length, come.length) }, (_, index): PackageChange => {
    const [old, fresh] = [gone[index], come[index]];
    if (old === undefined) return { ...base, change: "added", to: fresh ?? "" };
    if (fresh === undefined) return { ...base, change: "removed", from: old };
    return { ...base, change: order.compare(fresh, old) < 0 ? "downgraded" : "upgraded", from: old, to: fresh };
  });
}
