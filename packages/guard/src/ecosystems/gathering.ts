import type { Extraction, FoundPackage } from "./ecosystem.ts";

/** A package as a lock file names it. */
export type Candidate = Omit<FoundPackage, "evidence"> & { readonly evidence?: FoundPackage["evidence"] };

/** Takes in what one file declares: a purl once, damage counted, everything bounded. */
export interface Gathering {
  /** The same purl again: it is for development when every mention says so, direct when any does. */
  add(found: Candidate): void;
  /** `needed` is there because `by` wants it; both are purls, before or after they are added. */
  requires(by: string, needed: string): void;
  /** Something that is not of a registry and so has no version that advisories speak of. */
  unversioned(name: string): void;
  /** Something that is none of what the file may hold. */
  malformed(what: string): void;
  problem(reason: string): void;
  extraction(): Extraction;
}

const MAX_PACKAGES = 100_000;
const MAX_EDGES = 1_000_000;
/** More of those who bring a package are not told: the first are enough to find it. */
const MAX_REQUIRED_BY = 8;
const MAX_PROBLEMS = 20;
const MAX_NAMED = 5;
const MAX_VERSION_LENGTH = 256;

/** A gathering of what is only declared, unless a package says otherwise. */
export function createGathering(): Gathering {
  const packages = new Map<string, FoundPackage>();
  const parents = new Map<string, Set<string>>();
  const unversioned = counter();
  const malformed = counter();
  const problems: string[] = [];
  let edges = 0;
  const problem = (reason: string) => {
    if (problems.length < MAX_PROBLEMS && !problems.includes(reason)) problems.push(reason);
  };
  return {
    add(found) {
      const other = packages.get(found.purl);
      if (found.version.length > MAX_VERSION_LENGTH) malformed.count(found.name);
      else if (other === undefined && packages.size >= MAX_PACKAGES)
        problem(`too-many-packages: more than ${MAX_PACKAGES}`);
      else packages.set(found.purl, joined(found, other));
    },
    requires(by, needed) {
      if (by === needed || ++edges > MAX_EDGES) return;
      const known = parents.get(needed);
      if (known === undefined) parents.set(needed, new Set([by]));
      else if (known.size < MAX_REQUIRED_BY) known.add(by);
    },
    unversioned: unversioned.count,
    malformed: malformed.count,
    problem,
    extraction: () => ({
      packages: [...packages.values()].map((found) => withParents(found, parents.get(found.purl), packages)),
      problems: [
        ...problems,
        ...malformed.sentence("malformed", "that cannot be read"),
        ...unversioned.sentence("no-version", "from a URL or a folder, not in a registry"),
      ],
    }),
  };
}

function joined(found: Candidate, other: FoundPackage | undefined): FoundPackage {
  const { development, direct, ...rest } = found;
  const isDevelopment = development === true && (other === undefined || other.development === true);
  const isDirect = direct === undefined ? other?.direct : direct || other?.direct === true;
  return {
    evidence: "declared",
    ...rest,
    ...(other?.line === undefined ? {} : { line: other.line }),
    ...(isDevelopment ? { development: true } : {}),
    ...(isDirect === undefined ? {} : { direct: isDirect }),
  };
}

function withParents(
  found: FoundPackage,
  parents: ReadonlySet<string> | undefined,
  packages: ReadonlyMap<string, FoundPackage>,
): FoundPackage {
  const known = [...(parents ?? [])].filter((purl) => packages.has(purl)).sort();
  return known.length === 0 ? found : { ...found, requiredBy: known };
}

interface Counter {
  count(name: string): void;
  sentence(code: string, words: string): string[];
}

/** Counts what is left out and names the first. */
function counter(): Counter {
  const names: string[] = [];
  let total = 0;
  return {
    count(name) {
      total++;
      if (names.length < MAX_NAMED) names.push(name.slice(0, 80));
    },
    sentence: (code, words) => (total === 0 ? [] : [`${code}: ${total} ${words}: ${names.join(", ")}`]),
  };
}
