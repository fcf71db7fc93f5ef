import type { Digest } from "@flotilla/base/digest";
import { asDigest } from "@flotilla/base/digest";
import type { ConfigSource, NormalisedApp, Variable } from "./app.ts";
import { checkServices } from "./check.ts";
import { loadFiles } from "./load/load.ts";
import { activeServices } from "./load/profiles.ts";
import { type ComposeProblem, type Place, Problems } from "./problem.ts";
import type { Scope } from "./scope.ts";
import { namedFiles } from "./top/named-files.ts";
import { readTop, type TopDraft } from "./top/top.ts";
import type { MapNode } from "./tree.ts";
import { settleVariables } from "./variables.ts";

export interface ComposeInput {
  /** The compose files, later ones over earlier ones. `path` is shown in problems. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** The environment of `release create`: what `${NAME}` stands for. Not put into the release but for the names that are used. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads a file that the compose files name, by the path that stands there; undefined when it cannot be read. */
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
  /** Name of the app; without it `name:` of the file decides. */
  readonly projectName?: string;
  /** Services with other profiles only are left out; `*` takes in all. */
  readonly profiles?: readonly string[];
}

export interface ComposeResult {
  /** Absent when there are problems. */
  readonly app?: NormalisedApp;
  /** What stands as `image:`, each once. */
  readonly images: readonly string[];
  /** Files that configs mount, to be stored with the release. */
  readonly files: readonly ConfigFile[];
  /** Why there is no app: everything at once, in the order of the file. */
  readonly problems: readonly ComposeProblem[];
  /** What a person should know of an app that is fine. */
  readonly warnings: readonly ComposeProblem[];
}

export interface ConfigFile {
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/**
 * Reads compose files into an application. Names that the environment knows are filled in now; names for the device stay. Whatever the
 * agent cannot honour is a problem with file, line and field.
 */
export async function parseCompose(input: ComposeInput): Promise<ComposeResult> {
  const problems = new Problems();
  const warnings = new Problems();
  const order = input.files.map((file) => file.path);
  const failed = (): ComposeResult => ({
    images: [],
    files: [],
    problems: problems.sorted(order),
    warnings: warnings.sorted(order),
  });
  const loaded = await loadFiles(input, problems, order);
  if (loaded === undefined) return failed();

  const { resolve } = loaded;
  const { tree, leftOut } = activeServices(loaded.tree, input.profiles ?? [], warnings);
  const files = await readNamed(tree, input.read);
  const variables = new Map<string, Variable>();
  const scope: Scope = { problems, warnings, resolve, files, leftOut, variables, uses: [], links: [] };
  const top = readTop(tree, scope, input.projectName);
  if (top === undefined) return failed();
  checkServices(top, placeFinder(tree), problems);

  const configs = await digestConfigs(top);
  const body = { ...top, format: 1 as const, configs: configs.sources };
  const settled = settleVariables(body, variables, variablesPlace(tree), problems);
  warnUnused(scope, settled, variablesPlace(tree), warnings);
  if (problems.count > 0) return failed();
  const images = [...new Set(Object.values(top.services).map((service) => service.image))].toSorted();
  return {
    app: { ...body, variables: settled },
    images,
    files: configs.files,
    problems: [],
    warnings: warnings.sorted(order),
  };
}

async function readNamed(tree: MapNode, read: ComposeInput["read"]): Promise<Scope["files"]> {
  const files = new Map<string, Uint8Array | undefined>();
  for (const path of namedFiles(tree)) files.set(path, await read(path));
  return files;
}

async function digestConfigs(
  top: TopDraft,
): Promise<{ readonly sources: Readonly<Record<string, ConfigSource>>; readonly files: readonly ConfigFile[] }> {
  const sources: Record<string, ConfigSource> = {};
  const files = new Map<string, ConfigFile>();
  for (const [name, config] of Object.entries(top.configs)) {
    if (config.kind === "content") {
      sources[name] = config;
      continue;
    }
    const digest = await sha256(config.bytes);
    sources[name] = { kind: "file", digest, sizeBytes: config.bytes.length };
    files.set(digest, { path: config.path, digest, bytes: config.bytes });
  }
  return { sources, files: [...files.values()] };
}

async function sha256(bytes: Uint8Array): Promise<Digest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  return asDigest(`sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
}

function placeFinder(tree: MapNode): (service: string, field: string) => Place {
  return (service, field) => {
    const services = tree.entries.get("services")?.node;
    const entry = services?.kind === "map" ? services.entries.get(service) : undefined;
    const inner = entry?.node.kind === "map" ? entry.node.entries.get(field) : undefined;
    return inner?.keyPlace ?? entry?.keyPlace ?? tree.place;
  };
}

function variablesPlace(tree: MapNode): Place {
  const extension = tree.entries.get("x-flotilla");
  const inner = extension?.node.kind === "map" ? extension.node.entries.get("variables") : undefined;
  return inner?.keyPlace ?? extension?.keyPlace ?? tree.place;
}

function warnUnused(scope: Scope, used: NormalisedApp["variables"], place: Place, warnings: Problems): void {
  for (const name of scope.variables.keys())
    if (!Object.hasOwn(used, name)) warnings.add(place, "unknown-reference", `the variable ${name} is used nowhere`);
}
