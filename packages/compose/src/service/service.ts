import type { Resources, Service } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import {
  quote,
  readBoolean,
  readChoice,
  readDurationMs,
  readItems,
  readSizeBytes,
  readTemplate,
  readTemplates,
  readText,
  readTextMap,
} from "../read.ts";
import { compact, type Draft, type Scope } from "../scope.ts";
import type { MapNode, Node } from "../tree.ts";
import { readCommand } from "./command.ts";
import { readDependsOn } from "./depends-on.ts";
import { type EnvFile, loadEnvFiles, readEnvFiles, readEnvironment } from "./environment.ts";
import { readFileMounts } from "./file-mounts.ts";
import { readGpus } from "./gpus.ts";
import { readHealthcheck } from "./healthcheck.ts";
import { readHooks } from "./hooks.ts";
import { readDevices, readExtraHosts, readLogging, readTmpfs, readUlimits } from "./host.ts";
import { readLinks } from "./links.ts";
import { readMounts } from "./mounts.ts";
import { readIpcMode, readNetworkMode, readPidMode, sharedServices } from "./namespaces.ts";
import { readAttachments } from "./networks.ts";
import { readPorts } from "./ports.ts";
import { readServiceExtension } from "./probe.ts";
import { SERVICE_REFUSED } from "./refused.ts";
import { RESOURCE_READERS, type ResourceDraft, readDeploy } from "./resources.ts";
import { readCgroupRules, readPullPolicy, readSecurityOptions } from "./rights.ts";
import { overlapProblems, STRATEGY_LABEL, strategyOf } from "./strategy.ts";

const DEFAULT_STOP_GRACE_MS = 10_000;
const MAX_IMAGE_LENGTH = 512;
/** `[host[:port]/]name[/name…][:tag][@digest]` (distribution-spec, "Pulling manifests", for names and tags). */
const IMAGE =
  /^(?:(?:[a-zA-Z0-9][a-zA-Z0-9.-]*|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})?(?:@sha(?:256|512):[a-f0-9]{64,128})?$/;

interface ServiceDraft extends Draft<Omit<Service, "resources" | "replicas" | "environment">>, ResourceDraft {
  /** Its name, for messages and links. */
  readonly name: string;
  readonly resources: Draft<Resources>;
  environment?: Readonly<Record<string, string>>;
  envFiles?: readonly EnvFile[];
  labelFiles?: readonly EnvFile[];
  deviceRequests?: Service["deviceRequests"];
}

type Reader = (draft: ServiceDraft, node: Node, scope: Scope) => void;

/** Fields that hold one value of the normal form, by the name of their member. */
function into<Key extends keyof ServiceDraft>(key: Key, read: (node: Node, scope: Scope) => ServiceDraft[Key]): Reader {
  return (draft, node, scope) => {
    draft[key] = read(node, scope);
  };
}

const template = (node: Node, scope: Scope) => readTemplate(scope.problems, node);
const templates = (node: Node, scope: Scope) => readTemplates(scope.problems, node);
const oneOrTemplates = (node: Node, scope: Scope) => readTemplates(scope.problems, node, "one-or-list");
const truth = (node: Node, scope: Scope) => readBoolean(scope.problems, node);
const textMap = (node: Node, scope: Scope) => readTextMap(scope.problems, node);
const names = (node: Node, scope: Scope) =>
  readItems(scope.problems, node)
    .map((item) => readText(scope.problems, item))
    .filter((text) => text !== undefined);

/** Every field of a service, honoured or refused with the reason. */
export const SERVICE_FIELDS: Fields<ServiceDraft> = {
  readers: {
    ...RESOURCE_READERS,
    deploy: readDeploy,
    image: into("image", readImage),
    command: into("command", readCommand),
    entrypoint: into("entrypoint", readCommand),
    environment: into("environment", readEnvironment),
    env_file: into("envFiles", readEnvFiles),
    labels: into("labels", textMap),
    ports: into("ports", readPorts),
    expose: into("expose", templates),
    networks: into("networks", readAttachments),
    network_mode: into("networkMode", readNetworkMode),
    volumes: into("mounts", readMounts),
    configs: into("configs", (node, scope) => readFileMounts(node, "config", scope)),
    secrets: into("secrets", (node, scope) => readFileMounts(node, "secret", scope)),
    depends_on: into("dependsOn", readDependsOn),
    healthcheck: into("healthcheck", readHealthcheck),
    "x-flotilla": (draft, node, scope) => {
      Object.assign(draft, readServiceExtension(node, scope));
    },
    restart: into("restart", readRestart),
    stop_signal: into("stopSignal", template),
    stop_grace_period: into("stopGracePeriodMs", (node, scope) => readDurationMs(scope.problems, node)),
    init: into("init", truth),
    tty: into("tty", truth),
    stdin_open: into("stdinOpen", truth),
    user: into("user", template),
    group_add: into("groupAdd", templates),
    working_dir: into("workingDir", template),
    hostname: into("hostname", template),
    dns: into("dns", oneOrTemplates),
    extra_hosts: into("extraHosts", readExtraHosts),
    sysctls: into("sysctls", textMap),
    ulimits: into("ulimits", readUlimits),
    cap_add: into("capAdd", names),
    cap_drop: into("capDrop", names),
    security_opt: into("securityOpt", readSecurityOptions),
    read_only: into("readOnly", truth),
    privileged: into("privileged", truth),
    devices: into("devices", readDevices),
    tmpfs: into("tmpfs", readTmpfs),
    shm_size: into("shmSizeBytes", (node, scope) => readSizeBytes(scope.problems, node)),
    pid: into("pidMode", readPidMode),
    ipc: into("ipcMode", readIpcMode),
    uts: into("utsMode", (node, scope) => readChoice(scope.problems, node, ["host"])),
    userns_mode: into("usernsMode", (node, scope) => readChoice(scope.problems, node, ["host"])),
    cgroup: into("cgroupMode", (node, scope) => readChoice(scope.problems, node, ["host", "private"])),
    cgroup_parent: into("cgroupParent", template),
    runtime: into("runtime", template),
    annotations: into("annotations", textMap),
    domainname: into("domainname", template),
    dns_opt: into("dnsOptions", oneOrTemplates),
    dns_search: into("dnsSearch", oneOrTemplates),
    device_cgroup_rules: into("deviceCgroupRules", readCgroupRules),
    gpus: (draft, node, scope) => {
      draft.deviceRequests = [...(draft.deviceRequests ?? []), ...readGpus(node, scope)];
    },
    post_start: into("postStart", readHooks),
    pre_stop: into("preStop", readHooks),
    links: (draft, node, scope) => readLinks(node, draft.name, scope),
    label_file: into("labelFiles", readEnvFiles),
    pull_policy: (_, node, scope) => readPullPolicy(node, scope),
    /** Beside `image` it says how that was made; without one it is refused where the service is read. */
    build: () => {},
    logging: into("logging", readLogging),
    platform: into("platform", readPlatform),
    /** Followed before the service is read. */
    extends: () => {},
    /** Decided on before the service is read. */
    profiles: (_, node, scope) => {
      names(node, scope);
    },
  },
  refused: SERVICE_REFUSED,
};

/** Reads one service; undefined when it has no usable image. */
export function readService(name: string, map: MapNode, scope: Scope): Service | undefined {
  const draft: ServiceDraft = { name, resources: {} };
  readFields(map, SERVICE_FIELDS, draft, scope);
  checkImage(map, scope);
  if (draft.image === undefined) return undefined;
  const { name: _, envFiles, labelFiles, environment, resources, strategy: named, ...rest } = draft;
  const { [STRATEGY_LABEL]: label, ...labels } = { ...loadEnvFiles(labelFiles ?? [], scope), ...draft.labels };
  const strategy = named ?? (label === undefined ? undefined : strategyOf(label, labelPlace(map), scope));
  const service: Service = {
    ...DEFAULTS,
    ...compact({ ...rest, strategy }),
    image: draft.image,
    environment: { ...loadEnvFiles(envFiles ?? [], scope), ...environment },
    labels: checkedLabels(labels, map, scope),
    networks: hasNetworks(draft) ? draft.networks : defaultNetworks(draft, map, scope),
    dependsOn: { ...impliedDependencies(draft, scope), ...draft.dependsOn },
    resources: compact(resources),
    replicas: draft.replicas ?? 1,
  };
  for (const message of overlapProblems(service)) scope.problems.add(map.place, "bad-value", message);
  return service;
}

function checkImage(map: MapNode, { problems, warnings }: Scope): void {
  const build = map.entries.get("build");
  if (map.entries.has("image")) {
    if (build !== undefined) warnings.add(build.keyPlace, "left-out", "build is left out: the release takes the image");
  } else if (build === undefined) problems.add(map.place, "missing-field", "a service needs image");
  else
    problems.add(
      build.keyPlace,
      "unsupported-field",
      "build without image is not supported: a release names finished images: build and push it first, then name it as image",
    );
}

/** Services whose namespaces are shared, and linked ones, have to stand before this one, as in compose. */
function impliedDependencies(draft: ServiceDraft, { links }: Scope): Service["dependsOn"] {
  const linked = links.filter(({ owner }) => owner === draft.name).map(({ service }) => service);
  const names = [...sharedServices(draft), ...linked];
  return Object.fromEntries(
    names.map((name) => [name, { condition: "service_started", required: true, restart: true }]),
  );
}

/** What compose assumes of a service that does not say. */
const DEFAULTS = {
  labels: {},
  ports: [],
  expose: [],
  mounts: [],
  configs: [],
  secrets: [],
  dependsOn: {},
  restart: { policy: "no" },
  stopGracePeriodMs: DEFAULT_STOP_GRACE_MS,
  capAdd: [],
  capDrop: [],
  readOnly: false,
  devices: [],
  tmpfs: [],
} as const;

/** An empty `networks:` means the default one too. */
function hasNetworks(draft: ServiceDraft): draft is ServiceDraft & Pick<Service, "networks"> {
  return draft.networks !== undefined && Object.keys(draft.networks).length > 0;
}

function defaultNetworks(draft: ServiceDraft, map: MapNode, scope: Scope): Service["networks"] {
  if (draft.networkMode !== undefined || map.entries.has("network_mode")) return {};
  scope.uses.push({ kind: "network", name: "default", place: map.place });
  return { default: {} };
}

function readImage(node: Node, scope: Scope): string | undefined {
  const text = readText(scope.problems, node);
  if (text === undefined || (text.length <= MAX_IMAGE_LENGTH && IMAGE.test(text))) return text;
  scope.problems.add(node.place, "bad-value", `${quote(text)} is no reference to an image`);
  return undefined;
}

function checkedLabels(labels: Service["labels"], map: MapNode, scope: Scope): Service["labels"] {
  for (const name of Object.keys(labels))
    if (name.startsWith("io.flotilla."))
      scope.problems.add(labelPlace(map), "bad-value", `the label ${name} is the agent's own`);
  return labels;
}

function labelPlace(map: MapNode): Node["place"] {
  return (map.entries.get("labels") ?? map.entries.get("label_file"))?.node.place ?? map.place;
}

function readRestart(node: Node, scope: Scope): Service["restart"] | undefined {
  const text = readText(scope.problems, node);
  if (text === undefined) return undefined;
  const retries = /^on-failure:(\d{1,6})$/.exec(text)?.[1];
  if (retries !== undefined) return { policy: "on-failure", maxRetries: Number(retries) };
  if (text === "no" || text === "always" || text === "on-failure" || text === "unless-stopped") return { policy: text };
  const wanted = "no, always, on-failure, on-failure:N or unless-stopped";
  scope.problems.add(node.place, "bad-value", `expected ${wanted}; found ${quote(text)}`);
  return undefined;
}

function readPlatform(node: Node, scope: Scope): string | undefined {
  const text = readText(scope.problems, node);
  if (text === undefined || /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/.test(text)) return text;
  scope.problems.add(node.place, "bad-value", `expected os/architecture[/variant], found ${quote(text)}`);
  return undefined;
}
