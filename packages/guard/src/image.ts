import type { Digest } from "@flotilla/base/digest";
import { type LayerFacts, NO_FACTS, parseFacts } from "./facts.ts";
import { describeGaps } from "./gaps.ts";
import type { Inventory, LayerScan, Location, Package, Problem, SecretHit } from "./model.ts";
import { type Os, osOf, withDistro } from "./os.ts";

/** A layer as merging needs it: a {@link LayerScan}, or a folder's files, which have no layer. */
export type Part = Pick<LayerScan, "packages" | "secrets" | "problems" | "removed" | "facts"> & {
  readonly diffId?: Digest;
};

/** Of those who brought a package, as many are told. */
const MAX_REQUIRED_BY = 8;

/** What a file that is still there gave: packages, paths it says are owned, the system's name. */
interface Standing {
  readonly layer: Digest | undefined;
  readonly packages: Package[];
  owned: readonly string[];
  osRelease: string | undefined;
}

/**
 * What an image (or a folder, as one part) holds: `scans` from the lowest layer up. What whiteouts hide and upper layers replace is gone
 * from the packages; a secret in a deleted file is still a secret. Language packages whose file belongs to an OS package are left out
 * (DESIGN §4 rule 2).
 */
export function mergeLayers(scans: readonly Part[]): Inventory {
  const files = new Map<string, Standing>();
  const seen = new Set<string>();
  const facts = scans.map((scan) => parseFacts(scan.facts));
  scans.forEach((scan, index) => {
    const layer = facts[index] ?? NO_FACTS;
    hide(files, scan, layer);
    stand(files, scan, layer);
    for (const path of layer.known) seen.add(path);
  });
  const os = osOf((files.get("etc/os-release") ?? files.get("usr/lib/os-release"))?.osRelease);
  const packages = withoutOwned(files).flatMap((file) => file.packages.map((found) => placed(found, file.layer, os)));
  return {
    packages: uniquePackages(withoutStalePins(withoutStaleLocks(packages))),
    secrets: scans.flatMap((scan) => scan.secrets.map((hit) => placedSecret(hit, scan.diffId))),
    problems: [...problemsOf(scans), ...missingIncludes(scans, facts, seen)],
    notCovered: describeGaps(facts.map(({ gaps }) => gaps)),
    ...(os === undefined ? {} : { os }),
  };
}

/** Takes away what this layer's whiteouts and its own files hide of the layers below. */
function hide(files: Map<string, Standing>, scan: Part, facts: LayerFacts): void {
  for (const { path, opaque } of scan.removed) {
    if (!opaque) files.delete(path);
    const below = path === "" ? "" : `${path}/`;
    for (const other of files.keys()) if (other.startsWith(below)) files.delete(other);
  }
  for (const path of facts.known) files.delete(path);
}

function stand(files: Map<string, Standing>, scan: Part, facts: LayerFacts): void {
  const at = (path: string): Standing => {
    const standing = files.get(path);
    if (standing !== undefined) return standing;
    const fresh: Standing = { layer: scan.diffId, packages: [], owned: [], osRelease: undefined };
    files.set(path, fresh);
    return fresh;
  };
  for (const found of scan.packages) at(found.locations[0]?.path ?? "").packages.push(found);
  for (const [path, owned] of Object.entries(facts.owned)) at(path).owned = owned;
  for (const [path, text] of Object.entries(facts.osRelease)) at(path).osRelease = text;
}

function withoutOwned(files: ReadonlyMap<string, Standing>): Standing[] {
  const owned = new Set<string>();
  for (const file of files.values()) for (const path of file.owned) owned.add(mergedUsr(path));
  return [...files].filter(([path]) => !owned.has(mergedUsr(path))).map(([, file]) => file);
}

/**
 * A lock file tells what would be installed; where an image has its `node_modules` too, only what is in both is kept of it, so that
 * pruned development packages are not reported. In a folder the lock says what will be deployed, and is kept whole.
 */
function withoutStaleLocks(packages: readonly Package[]): readonly Package[] {
  const installed = new Map<string, Set<string>>();
  for (const { purl, ecosystem, evidence, locations } of packages) {
    if (ecosystem !== "npm" || evidence !== "installed") continue;
    const path = locations[0]?.path ?? "";
    const project = path.slice(0, path.search(/(?:^|\/)node_modules\//));
    const purls = installed.get(project) ?? new Set();
    installed.set(project, purls.add(purl));
  }
  return packages.filter(({ purl, ecosystem, evidence, locations }) => {
    if (ecosystem !== "npm" || evidence !== "declared" || locations[0]?.layer === undefined) return true;
    const path = locations[0]?.path ?? "";
    return installed.get(path.slice(0, Math.max(0, path.lastIndexOf("/"))))?.has(purl) ?? true;
  });
}

/**
 * A requirements file that an image carries tells what its build asked for; where the image has the distribution installed in another
 * version, that one is the truth. In a folder the file says what will be deployed, and is kept whole.
 */
function withoutStalePins(packages: readonly Package[]): readonly Package[] {
  const installed = new Map<string, Set<string>>();
  for (const { ecosystem, evidence, name, purl } of packages) {
    if (ecosystem !== "pypi" || evidence !== "installed") continue;
    installed.set(name, (installed.get(name) ?? new Set()).add(purl));
  }
  return packages.filter(({ ecosystem, evidence, name, purl, locations }) => {
    if (ecosystem !== "pypi" || evidence !== "declared" || locations[0]?.layer === undefined) return true;
    return installed.get(name)?.has(purl) ?? true;
  });
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
  return [...Map.groupBy(packages, ({ purl }) => purl).values()]
    .flatMap((same) => joined(same) ?? [])
    .sort((a, b) => (a.purl < b.purl ? -1 : 1));
}

function joined(same: readonly Package[]): Package | undefined {
  const first = same.find(({ evidence }) => evidence === "installed") ?? same[0];
  if (first === undefined || same.length === 1) return first;
  const { development: _, direct: __, requiredBy: ___, ...rest } = first;
  const requiredBy = [...new Set(same.flatMap((one) => one.requiredBy ?? []))].sort().slice(0, MAX_REQUIRED_BY);
  // Only declarations know what something is for; one that needs it in production decides.
  const declared = same.filter(({ evidence }) => evidence === "declared");
  const development = declared.length > 0 && declared.every((one) => one.development === true);
  return {
    ...rest,
    locations: same.flatMap(({ locations }) => locations),
    ...(development ? { development } : {}),
    ...(requiredBy.length > 0 ? { requiredBy } : {}),
    ...(same.some(({ direct }) => direct === true) ? { direct: true } : {}),
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
