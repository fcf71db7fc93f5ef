import type { DeviceRequest, Resources } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import {
  readBoolean,
  readChoice,
  readDurationMs,
  readInteger,
  readMap,
  readNumber,
  readSizeBytes,
  readText,
} from "../read.ts";
import type { Draft, Scope } from "../scope.ts";
import type { Node } from "../tree.ts";
import { readReservedDevices } from "./gpus.ts";

const MAX_REPLICAS = 100;
const MAX_CPUS = 1024;
const MAX_PIDS = 4_194_304;
const MAX_SHARES = 262_144;
const MAX_MICROSECONDS = 3_600_000_000;
const PROCESSORS = /^\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*$/;

/** What `deploy:` and the older fields beside it say together. */
export interface ResourceDraft {
  readonly resources: Draft<Resources>;
  replicas?: number | undefined;
  deviceRequests?: readonly DeviceRequest[] | undefined;
}

type Name = keyof Resources;
type Readers = Fields<ResourceDraft>["readers"];

/** A field that holds one limit as a whole number. */
const whole =
  (name: Name, min: number, max: number): Readers[string] =>
  (draft, node, scope) =>
    set(draft, name, readInteger(scope.problems, node, min, max), node, scope);

const microseconds =
  (name: Name): Readers[string] =>
  (draft, node, scope) =>
    set(draft, name, readMicroseconds(node, scope), node, scope);

/** The service's own fields. */
export const RESOURCE_READERS = {
  mem_limit: (draft, node, scope) => set(draft, "memoryBytes", readSizeBytes(scope.problems, node), node, scope),
  mem_reservation: (draft, node, scope) =>
    set(draft, "memoryReservationBytes", readSizeBytes(scope.problems, node), node, scope),
  cpus: (draft, node, scope) => set(draft, "cpus", readCpus(node, scope), node, scope),
  pids_limit: (draft, node, scope) => set(draft, "pids", readInteger(scope.problems, node, -1, MAX_PIDS), node, scope),
  scale: readReplicas,
  memswap_limit: (draft, node, scope) => set(draft, "memorySwapBytes", readSwap(node, scope), node, scope),
  mem_swappiness: (draft, node, { problems }) => {
    draft.resources.memorySwappiness = readInteger(problems, node, 0, 100);
  },
  oom_kill_disable: (draft, node, { problems }) => {
    draft.resources.oomKillDisable = readBoolean(problems, node);
  },
  oom_score_adj: whole("oomScoreAdj", -1000, 1000),
  cpuset: (draft, node, scope) => {
    draft.resources.cpuset = readProcessors(node, scope);
  },
  cpu_shares: whole("cpuShares", 0, MAX_SHARES),
  cpu_quota: microseconds("cpuQuotaUs"),
  cpu_period: microseconds("cpuPeriodUs"),
  cpu_rt_period: microseconds("cpuRealtimePeriodUs"),
  cpu_rt_runtime: microseconds("cpuRealtimeRuntimeUs"),
} satisfies Readers;

export const LIMITS: Fields<ResourceDraft> = {
  readers: {
    cpus: RESOURCE_READERS.cpus,
    memory: RESOURCE_READERS.mem_limit,
    pids: RESOURCE_READERS.pids_limit,
  },
  refused: {},
};

export const RESERVATIONS: Fields<ResourceDraft> = {
  readers: {
    memory: RESOURCE_READERS.mem_reservation,
    devices: (draft, node, scope) => {
      draft.deviceRequests = [...(draft.deviceRequests ?? []), ...readReservedDevices(node, scope)];
    },
  },
  refused: {
    cpus: "an engine on its own cannot reserve CPUs",
    generic_resources: "only a swarm has them",
  },
};

export const DEPLOY_RESOURCES: Fields<ResourceDraft> = {
  readers: {
    limits: (draft, node, scope) => nested(draft, node, LIMITS, scope),
    reservations: (draft, node, scope) => nested(draft, node, RESERVATIONS, scope),
  },
  refused: {},
};

/** `deploy:` as far as an engine on its own can honour it. */
export const DEPLOY_FIELDS: Fields<ResourceDraft> = {
  readers: {
    mode: (_, node, { problems }) => {
      readChoice(problems, node, ["replicated"]);
    },
    replicas: readReplicas,
    resources: (draft, node, scope) => nested(draft, node, DEPLOY_RESOURCES, scope),
  },
  refused: {
    endpoint_mode: "only a swarm has it",
    labels: "only a swarm has labels of services: use labels: of the service",
    placement: "a rollout's selector says which devices run a release",
    restart_policy: "use restart: of the service",
    rollback_config: "the agent restores the previous release by itself",
    update_config: "the agent and the rollout's strategy decide how a release starts",
  },
};

/** `deploy:`, which may be empty. */
export function readDeploy(draft: ResourceDraft, node: Node, scope: Scope): void {
  if (node.kind === "scalar" && node.value === null) return;
  nested(draft, node, DEPLOY_FIELDS, scope);
}

function nested(draft: ResourceDraft, node: Node, fields: Fields<ResourceDraft>, scope: Scope): void {
  const map = readMap(scope.problems, node);
  if (map !== undefined) readFields(map, fields, draft, scope);
}

function readReplicas(draft: ResourceDraft, node: Node, scope: Scope): void {
  const value = readInteger(scope.problems, node, 0, MAX_REPLICAS);
  if (value === undefined) return;
  if (draft.replicas !== undefined && draft.replicas !== value)
    scope.problems.add(node.place, "bad-value", "scale and deploy.replicas differ");
  draft.replicas = value;
}

function readCpus(node: Node, scope: Scope): number | undefined {
  return readNumber(scope.problems, node, { min: 0, max: MAX_CPUS, integer: false });
}

/** A size, or -1 for as much swap as there is. */
function readSwap(node: Node, scope: Scope): number | undefined {
  const unlimited = node.kind === "scalar" && String(node.value) === "-1";
  return unlimited ? -1 : readSizeBytes(scope.problems, node);
}

/** Microseconds, as a number or as a duration (`1400us`). */
function readMicroseconds(node: Node, scope: Scope): number | undefined {
  if (node.kind !== "scalar" || Number.isFinite(Number(node.value)))
    return readInteger(scope.problems, node, 0, MAX_MICROSECONDS);
  const ms = readDurationMs(scope.problems, node);
  return ms === undefined ? undefined : Math.round(ms * 1000);
}

function readProcessors(node: Node, { problems }: Scope): string | undefined {
  const text = readText(problems, node);
  if (text === undefined || PROCESSORS.test(text)) return text;
  problems.add(node.place, "bad-value", "expected processors such as 0-2,4");
  return undefined;
}

/** Zero means no limit, as in compose. */
function set(draft: ResourceDraft, name: Name, value: number | undefined, node: Node, scope: Scope): void {
  if (value === undefined || value === 0) return;
  const limits: Record<string, unknown> = draft.resources;
  const before = limits[name];
  if (before !== undefined && before !== value)
    scope.problems.add(node.place, "bad-value", "two fields of this service set this limit, and differ");
  limits[name] = value;
}
