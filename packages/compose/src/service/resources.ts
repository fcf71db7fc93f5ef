import type { Resources } from "../app.ts";
import { type Fields, readFields } from "../fields.ts";
import { readChoice, readInteger, readMap, readNumber, readSizeBytes } from "../read.ts";
import type { Draft, Scope } from "../scope.ts";
import type { Node } from "../tree.ts";

const MAX_REPLICAS = 100;
const MAX_CPUS = 1024;
const MAX_PIDS = 4_194_304;

/** What `deploy:` and the older fields beside it say together. */
export interface ResourceDraft {
  readonly resources: Draft<Resources>;
  replicas?: number | undefined;
}

type Name = keyof Resources;
type Readers = Fields<ResourceDraft>["readers"];

/** The service's own fields: `mem_limit`, `mem_reservation`, `cpus`, `pids_limit`, `scale`. */
export const RESOURCE_READERS = {
  mem_limit: (draft, node, scope) => set(draft, "memoryBytes", readSizeBytes(scope.problems, node), node, scope),
  mem_reservation: (draft, node, scope) =>
    set(draft, "memoryReservationBytes", readSizeBytes(scope.problems, node), node, scope),
  cpus: (draft, node, scope) => set(draft, "cpus", readCpus(node, scope), node, scope),
  pids_limit: (draft, node, scope) => set(draft, "pids", readInteger(scope.problems, node, -1, MAX_PIDS), node, scope),
  scale: readReplicas,
} satisfies Readers;

const LIMITS: Fields<ResourceDraft> = {
  readers: {
    cpus: RESOURCE_READERS.cpus,
    memory: RESOURCE_READERS.mem_limit,
    pids: RESOURCE_READERS.pids_limit,
  },
  refused: {},
};

const RESERVATIONS: Fields<ResourceDraft> = {
  readers: { memory: RESOURCE_READERS.mem_reservation },
  refused: {
    cpus: "an engine on its own cannot reserve CPUs",
    generic_resources: "only a swarm has them",
    devices: "name devices under devices:",
  },
};

const DEPLOY_RESOURCES: Fields<ResourceDraft> = {
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

/** Zero means no limit, as in compose. */
function set(draft: ResourceDraft, name: Name, value: number | undefined, node: Node, scope: Scope): void {
  if (value === undefined || value === 0) return;
  const before = draft.resources[name];
  if (before !== undefined && before !== value)
    scope.problems.add(node.place, "bad-value", "two fields of this service set this limit, and differ");
  draft.resources[name] = value;
}
