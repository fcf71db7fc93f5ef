import type { Network, NormalisedApp, SecretSource, Service, Volume } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readExtension } from "../flotilla.ts";
import { quote, readMap, readText } from "../read.ts";
import type { Scope, Use } from "../scope.ts";
import { linkServices } from "../service/links.ts";
import { readService } from "../service/service.ts";
import type { Entry, MapNode, Node } from "../tree.ts";
import { type ConfigDraft, readConfig, readSecret } from "./files.ts";
import { readNetwork } from "./networks.ts";
import { readVolume } from "./volumes.ts";

const APP_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ELEMENT_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
const MAX_SERVICES = 100;

/** The app before its config files were digested and its variables settled. */
export interface TopDraft extends Omit<NormalisedApp, "format" | "configs" | "variables"> {
  readonly configs: Readonly<Record<string, ConfigDraft>>;
}

interface Sections {
  name?: Node;
  services?: MapNode | undefined;
  networks?: MapNode | undefined;
  volumes?: MapNode | undefined;
  configs?: MapNode | undefined;
  secrets?: MapNode | undefined;
}

type SectionName = "services" | "networks" | "volumes" | "configs" | "secrets";

const section =
  (name: SectionName): Fields<Sections>["readers"][string] =>
  (draft, node, { problems }) => {
    if (node.kind !== "scalar" || node.value !== null) draft[name] = readMap(problems, node);
  };

/** Every field at the top of a compose file. */
export const TOP_FIELDS: Fields<Sections> = {
  readers: {
    name: (draft, node) => {
      draft.name = node;
    },
    /** Obsolete, and without meaning in compose too. */
    version: () => {},
    services: section("services"),
    networks: section("networks"),
    volumes: section("volumes"),
    configs: section("configs"),
    secrets: section("secrets"),
    /** Taken in before the file is read. */
    include: () => {},
    "x-flotilla": (_, node, scope) => readExtension(node, scope),
  },
  refused: {
    models: "devices run containers only",
  },
};

/** Reads the whole file. Networks, volumes, configs and secrets that no service uses are left out, with a warning. */
export function readTop(tree: MapNode, scope: Scope, projectName: string | undefined): TopDraft | undefined {
  const sections: Sections = {};
  readFields(tree, TOP_FIELDS, sections, scope);
  const name = readName(sections.name, projectName, tree, scope);
  const services = linkServices(readServices(sections.services, tree, scope), scope);
  const element = createElementReader(scope);
  const networks = element(
    sections.networks,
    "network",
    (entry): Network => readNetwork(entry.node, scope),
    DEFAULT_NETWORK,
  );
  const volumes = element(sections.volumes, "volume", (entry): Volume => readVolume(entry.node, scope));
  const configs = element(sections.configs, "config", (entry) => readConfig(entry, scope));
  const secrets = element(sections.secrets, "secret", (entry, key) => readSecret(key, entry, scope));
  checkServiceNames(services, [...(sections.services?.entries.keys() ?? [])], scope);
  declareSecrets(secrets, scope, tree);
  return name === undefined ? undefined : { name, services, networks, volumes, configs, secrets };
}

/** The network of services that name none; compose has it without a declaration. */
const DEFAULT_NETWORK: Readonly<Record<string, Network>> = { default: {} };

function readName(
  node: Node | undefined,
  projectName: string | undefined,
  tree: MapNode,
  scope: Scope,
): string | undefined {
  const name = projectName ?? (node === undefined ? undefined : readText(scope.problems, node));
  const place = node?.place ?? tree.place;
  if (name === undefined) {
    if (node === undefined) scope.problems.add(place, "missing-field", "the app has no name: write name: or use --app");
  } else if (APP_NAME.test(name)) return name;
  else
    scope.problems.add(
      place,
      "bad-value",
      `${quote(name)} is no name of an app: small letters, digits and - (at most 63)`,
    );
  return undefined;
}

function readServices(map: MapNode | undefined, tree: MapNode, scope: Scope): Readonly<Record<string, Service>> {
  const services: Record<string, Service> = {};
  for (const [name, { keyPlace, node }] of map?.entries ?? []) {
    if (!ELEMENT_NAME.test(name)) scope.problems.add(keyPlace, "bad-value", `${quote(name)} is no name of a service`);
    const service = readMap(scope.problems, node);
    const read = service === undefined ? undefined : readService(name, service, scope);
    if (read !== undefined) services[name] = read;
  }
  const count = map?.entries.size ?? 0;
  if (count === 0) scope.problems.add(map?.place ?? tree.place, "missing-field", "there are no services");
  if (count > MAX_SERVICES)
    scope.problems.add(
      map?.place ?? tree.place,
      "too-large",
      `there are ${count} services, the bound is ${MAX_SERVICES}`,
    );
  return services;
}

type ElementReader = <T extends object>(
  map: MapNode | undefined,
  kind: Use["kind"],
  read: (entry: Entry, key: string) => T | undefined,
  implied?: Readonly<Record<string, T>>,
) => Readonly<Record<string, T>>;

function createElementReader(scope: Scope): ElementReader {
  return <T extends object>(
    map: MapNode | undefined,
    kind: Use["kind"],
    read: (entry: Entry, key: string) => T | undefined,
    implied: Readonly<Record<string, T>> = {},
  ) => {
    const used = new Map(scope.uses.filter((use) => use.kind === kind).map((use) => [use.name, use]));
    const result: Record<string, T> = {};
    for (const [key, entry] of map?.entries ?? []) {
      if (!ELEMENT_NAME.test(key))
        scope.problems.add(entry.keyPlace, "bad-value", `${quote(key)} is no name of a ${kind}`);
      const value = read(entry, key);
      if (value !== undefined && used.has(key)) result[key] = value;
      else if (!used.has(key) && key !== "default")
        scope.warnings.add(entry.keyPlace, "unknown-reference", `the ${kind} ${key} is used by no service`);
    }
    for (const [name, use] of used) {
      if (map?.entries.has(name) === true) continue;
      const value = Object.hasOwn(implied, name) ? implied[name] : undefined;
      if (value !== undefined) result[name] = value;
      else
        scope.problems.add(
          use.place,
          "unknown-reference",
          `the ${kind} ${quote(name)} is not declared under ${kind}s:`,
        );
    }
    return result;
  };
}

function checkServiceNames(services: Readonly<Record<string, Service>>, names: readonly string[], scope: Scope): void {
  for (const use of scope.uses) {
    if (use.kind !== "service" || names.includes(use.name)) continue;
    const optional = Object.values(services).some((service) => service.dependsOn[use.name]?.required === false);
    if (optional) continue;
    const why = scope.leftOut.has(use.name)
      ? `the service ${quote(use.name)} is left out by its profiles: take them in with --profile`
      : `there is no service ${quote(use.name)}: there are ${names.join(", ")}`;
    scope.problems.add(use.place, "unknown-reference", why);
  }
}

/** Secrets come from variables of the device, and never have a default: it would be in the release. */
function declareSecrets(secrets: Readonly<Record<string, SecretSource>>, scope: Scope, tree: MapNode): void {
  const place = tree.entries.get("x-flotilla")?.keyPlace ?? tree.place;
  for (const [key, { variable }] of Object.entries(secrets)) {
    const declared = scope.variables.get(variable);
    if (declared?.default !== undefined)
      scope.problems.add(
        place,
        "bad-value",
        `the variable ${variable} is a secret: a default would be in the release for all to read`,
      );
    scope.variables.set(variable, declared ?? { description: `the secret ${key}` });
  }
}
