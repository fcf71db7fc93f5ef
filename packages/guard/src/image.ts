import type { Digest } from "@flotilla/base/digest";
import { type LayerFacts, parseFacts } from "./facts.ts";
import type { Inventory, LayerScan, Location, Package, Problem, SecretHit } from "./model.ts";
import { type Os, osOf, withDistro } from "./os.ts";

/** A layer as merging needs it: a {@link LayerScan}, or a folder's files, which have no layer. */
export type Part = Pick<LayerScan, "packages" | "secrets" | "problems" | "removed" | "facts"> & {
  readonly diffId?: Digest;
};

/**
 * What an image (or a folder, as one part) holds: `scans` from the lowest layer up. What whiteouts hide and upper layers replace is gone
 * from the packages; a secret in a deleted file is still a secret. Language packages whose file belongs to an OS package are left out
 * (DESIGN §4 rule 2).
 */
export function mergeLayers(scans: readonly Part[]): Inventory {
  const files = new Map<string, { readonly packages: Package[]; readonly layer: Digest | undefined }>();
  const osRelease = new Map<string, string>();
  const owned = new Set<string>();
  const seen = new Set<string>();
  const facts = scans.map((scan) => parseFacts(scan.facts));
  scans.forEach((scan, index) => {
    const layer = facts[index];
    if (layer === undefined) return;
    hide(files, osRelease, scan, layer);
    for (const found of scan.packages) addTo(files, found, scan.diffId);
    for (const [path, text] of Object.entries(layer.osRelease)) osRelease.set(path, text);
    for (const path of layer.owned) owned.add(mergedUsr(path));
    for (const path of layer.known) seen.add(path);
  });
  const os = osOf(osRelease.get("etc/os-release") ?? osRelease.get("usr/lib/os-release"));
  const kept = [...files].filter(([path]) => !owned.has(mergedUsr(path)));
  return {
    packages: uniquePackages(kept.flatMap(([, file]) => file.packages.map((found) => placed(found, file.layer, os)))),
    secrets: scans.flatMap((scan) => scan.secrets.map((hit) => placedSecret(hit, scan.diffId))),
    problems: [...problemsOf(scans), ...missingIncludes(scans, facts, seen)],
    ...(os === undefined ? {} : { os }),
  };
}

type Files = Map<string, { readonly packages: Package[]; readonly layer: Digest | undefined }>;

/** Takes away what this layer's whiteouts and its own files hide of the layers below. */
function hide(files: Files, osRelease: Map<string, string>, scan: Part, facts: LayerFacts): void {
  for (const { path, opaque } of scan.removed) {
    if (!opaque) {
      files.delete(path);
      osRelease.delete(path);
    }
    const below = path === "" ? "" : `${path}/`;
    for (const other of files.keys()) if (other.startsWith(below)) files.delete(other);
    for (const other of osRelease.keys()) if (other.startsWith(below)) osRelease.delete(other);
  }
  for (const path of facts.known) files.delete(path);
}

function addTo(files: Files, found: Package, layer: Digest | undefined): void {
  const path = found.locations[0]?.path ?? "";
  const file = files.get(path);
  if (file === undefined) files.set(path, { packages: [found], layer });
  else file.packages.push(found);
}

function placed(found: Package, layer: Digest | undefined, os: Os | undefined): Package {
  const locations = found.locations.map((location) => placedAt(location, layer));
  return withDistro({ ...found, locations }, os);
}

function placedAt(location: Location, layer: Digest | undefined): Location {
  return layer === undefined ? location : { ...location, layer };
}

function placedSecret(hit: SecretHit, layer: Digest | undefined): SecretHit {
  return { ...hit, location: placedAt(hit.location, layer) };
}

/** One package a purl, with all its locations; what is installed wins over what is declared. */
function uniquePackages(packages: readonly Package[]): readonly Package[] {
  const byPurl = new Map<string, Package>();
  for (const found of packages) {
    const other = byPurl.get(found.purl);
    byPurl.set(found.purl, other === undefined ? found : joined(other, found));
  }
  return [...byPurl.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
}

function joined(one: Package, other: Package): Package {
  const first = one.evidence === "declared" && other.evidence === "installed" ? other : one;
  const { development: _, direct: __, ...rest } = first;
  return {
    ...rest,
    locations: [...one.locations, ...other.locations],
    ...(one.development === true && other.development === true ? { development: true } : {}),
    ...(one.direct === true || other.direct === true ? { direct: true } : {}),
  };
}

function problemsOf(scans: readonly Part[]): readonly Problem[] {
  return scans.flatMap((scan) =>
    scan.problems.map((problem) => (scan.diffId === undefined ? problem : { ...problem, layer: scan.diffId })),
  );
}

function missingIncludes(scans: readonly Part[], facts: readonly LayerFacts[], seen: ReadonlySet<string>): Problem[] {
  return facts.flatMap((layer, index) => {
    const diffId = scans[index]?.diffId;
    return layer.includes
      .filter(([, path]) => !seen.has(path))
      .map(([by, path]) => ({
        path: by,
        reason: `not-read: ${path}, which it includes, is missing or not of a known name`,
        ...(diffId === undefined ? {} : { layer: diffId }),
      }));
  });
}

/** Paths before and after the merge of `/bin`, `/lib`, `/sbin` into `/usr` compare equal. */
function mergedUsr(path: string): string {
  return path.startsWith("usr/") ? path.slice(4) : path;
}
