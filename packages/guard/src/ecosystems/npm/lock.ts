import { isObject, type JsonObject, parseJsonObject, textOf } from "../../json.ts";
import type { Extraction, FoundPackage, WholeFile, WholeFileExtractor } from "../ecosystem.ts";
import { isPackageName, npmPurl } from "./purl.ts";

const MAX_LOCK_BYTES = 32 * 1024 * 1024;
const MAX_PACKAGES = 100_000;
/** Version 1 nests dependencies in dependencies. */
const MAX_NESTING = 64;

/**
 * `package-lock.json` and `npm-shrinkwrap.json`, lock versions 1 to 3. Version 2 has both forms and is read as version 3. Locks that
 * packages ship inside `node_modules` are not the artifact's own and are left alone.
 */
export const lockExtractor: WholeFileExtractor = {
  kind: "whole",
  id: "npm-lock",
  maxBytes: MAX_LOCK_BYTES,
  wants: (path) =>
    (path.endsWith("package-lock.json") || path.endsWith("npm-shrinkwrap.json")) &&
    /^(?:.*\/)?(?:package-lock|npm-shrinkwrap)\.json$/.test(path) &&
    !path.includes("node_modules/"),
  read: readLock,
};

function readLock(file: WholeFile): Extraction {
  const parsed = parseJsonObject(file.bytes);
  if (parsed.kind === "bad") return { packages: [], problems: [parsed.reason] };
  const gathering: Gathering = { packages: new Map(), unversioned: [], problems: [] };
  const packages = parsed.value["packages"];
  const dependencies = parsed.value["dependencies"];
  if (isObject(packages)) readPackages(packages, gathering);
  else if (isObject(dependencies)) readDependencies(dependencies, gathering, 0);
  else if (packages !== undefined || dependencies !== undefined)
    gathering.problems.push("malformed: no list of packages");
  return {
    packages: [...gathering.packages.values()],
    problems: [...gathering.problems, ...unversionedProblem(gathering)],
  };
}

interface Gathering {
  readonly packages: Map<string, FoundPackage>;
  /** Packages that come from a URL or a folder and have no registry version. */
  readonly unversioned: string[];
  readonly problems: string[];
}

/** Lock versions 2 and 3: keys are folders (`node_modules/a/node_modules/@b/c`), `""` is the project itself. */
function readPackages(packages: JsonObject, gathering: Gathering): void {
  const direct = directNames(packages[""]);
  for (const [folder, entry] of Object.entries(packages)) {
    const at = folder.lastIndexOf("node_modules/");
    // Outside node_modules stand the project and its workspaces; a link points at one of them.
    if (at < 0 || !isObject(entry) || entry["link"] === true) continue;
    const installedAs = folder.slice(at + "node_modules/".length);
    const name = textOf(entry["name"]) ?? installedAs;
    const isDirect = at === 0 && direct.has(installedAs);
    add(gathering, { name, version: textOf(entry["version"]), entry, direct: isDirect });
  }
}

function directNames(root: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  if (!isObject(root)) return names;
  for (const key of ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]) {
    const group = root[key];
    if (isObject(group)) for (const name of Object.keys(group)) names.add(name);
  }
  return names;
}

/** Lock version 1: a tree of names; an alias has `npm:real@1.2.3` as its version. */
function readDependencies(dependencies: JsonObject, gathering: Gathering, depth: number): void {
  if (depth > MAX_NESTING) {
    gathering.problems.push(`too-deep: dependencies nested more than ${MAX_NESTING} levels`);
    return;
  }
  for (const [key, entry] of Object.entries(dependencies)) {
    if (!isObject(entry)) continue;
    const version = textOf(entry["version"]);
    const alias = /^npm:((?:@[^/@]+\/)?[^/@]+)@(.+)$/.exec(version ?? "");
    add(gathering, { name: alias?.[1] ?? key, version: alias?.[2] ?? version, entry, direct: undefined });
    const nested = entry["dependencies"];
    if (isObject(nested)) readDependencies(nested, gathering, depth + 1);
  }
}

interface Candidate {
  readonly name: string;
  readonly version: string | undefined;
  readonly entry: JsonObject;
  readonly direct: boolean | undefined;
}

function add(gathering: Gathering, { name, version, entry, direct }: Candidate): void {
  if (!isPackageName(name)) {
    gathering.problems.push(`malformed: package name ${JSON.stringify(name.slice(0, 80))}`);
    return;
  }
  if (version === undefined || !/^\d/.test(version)) {
    gathering.unversioned.push(name);
    return;
  }
  const purl = npmPurl(name, version);
  const other = gathering.packages.get(purl);
  if (other === undefined && gathering.packages.size >= MAX_PACKAGES) {
    if (gathering.problems.length === 0) gathering.problems.push(`too-many-packages: more than ${MAX_PACKAGES}`);
    return;
  }
  const isDevelopment = entry["dev"] === true || entry["devOptional"] === true;
  const development = isDevelopment && (other === undefined || other.development === true);
  const licence = textOf(entry["license"], 256);
  gathering.packages.set(purl, {
    purl,
    name,
    version,
    evidence: "declared",
    ...(development ? { development } : {}),
    ...(direct === undefined ? {} : { direct: direct || other?.direct === true }),
    ...(licence === undefined ? {} : { licence }),
  });
}

function unversionedProblem({ unversioned }: Gathering): string[] {
  if (unversioned.length === 0) return [];
  const names = unversioned.slice(0, 5).join(", ");
  return [`no-version: ${unversioned.length} from a URL or a folder, not in a registry: ${names}`];
}
