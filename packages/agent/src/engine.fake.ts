import type { Clock } from "@flotilla/base/clock";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { parseImageConfig } from "@flotilla/oci/image-config";
import type { ReleasePlatform } from "@flotilla/protocol/release";
import {
  type Blobs,
  type ContainerSpec,
  type Engine,
  type EngineContainer,
  EngineError,
  type EngineFacts,
  LABELS,
  type NetworkSpec,
  type VolumeSpec,
} from "./ports.ts";

/** Label of an image's config that says how its containers behave; absent: they run until stopped. */
export const BEHAVIOUR_LABEL = "io.flotilla.sim.behaviour";
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/**
 * How containers of an image behave. `healthy` and `unhealthy` have a health check that answers after `afterMs`. `runs` has none.
 * `exits` ends after `afterMs` with `code`, and is restarted as its service says. `never-starts`: the engine refuses to start it.
 * `out-of-memory`: killed by the kernel after `afterMs`.
 */
export type Behaviour =
  | { readonly kind: "runs" }
  | { readonly kind: "healthy" | "unhealthy" | "out-of-memory"; readonly afterMs: number }
  | { readonly kind: "exits"; readonly afterMs: number; readonly code: number }
  | { readonly kind: "never-starts" };

/** The text of a behaviour in a label: `healthy:2000`, `exits:500:3`, `never-starts`. */
export function formatBehaviour(behaviour: Behaviour): string {
  switch (behaviour.kind) {
    case "runs":
    case "never-starts":
      return behaviour.kind;
    case "healthy":
    case "unhealthy":
    case "out-of-memory":
      return `${behaviour.kind}:${behaviour.afterMs}`;
    case "exits":
      return `exits:${behaviour.afterMs}:${behaviour.code}`;
  }
}

/** The behaviour in a label; `runs` when it says none that is known. */
export function parseBehaviour(text: string | undefined): Behaviour {
  const [kind, after, code] = (text ?? "").split(":");
  const afterMs = Number(after ?? 0) || 0;
  switch (kind) {
    case "healthy":
    case "unhealthy":
    case "out-of-memory":
      return { kind, afterMs };
    case "exits":
      return { kind, afterMs, code: Number(code ?? 1) || 0 };
    case "never-starts":
      return { kind };
    default:
      return { kind: "runs" };
  }
}

interface FakeContainer {
  readonly id: string;
  readonly spec: ContainerSpec;
  name: string;
  state: EngineContainer["state"];
  startedAt: number;
  startedAtMs: number;
  restarts: number;
  exitCode: number | undefined;
  oomKilled: boolean;
  /** A network that it is attached to is gone; one of the same name is another. */
  lost: boolean;
}

export interface FakeEngineOptions {
  readonly clock: Clock;
  readonly facts?: Partial<EngineFacts>;
  /** What an image does after a second, its containers here do after so many seconds. Default 1. */
  readonly pace?: number;
}

/** An engine in memory. What a container does follows from its image's label and the clock, whenever it is looked at. */
export interface FakeEngine extends Engine {
  /** False: every call fails as if nobody listened. Containers go on. */
  reachable: boolean;
  /** The machine is switched off and on: containers end; those whose policy says so start again. */
  reboot(): void;
  /** Deletes a container behind the agent's back. */
  vanish(name: string): void;
  /** Ends a container behind the agent's back. */
  kill(name: string, exitCode: number): void;
  /** Loses a network, and with it the containers' way to it: they cannot start again. */
  loseNetwork(name: string): void;
  /** Loses an image, as a damaged store does. */
  loseImage(config: Digest): void;
  readonly images: ReadonlyMap<Digest, Behaviour>;
  /** Names of the running containers, in order. */
  running(): readonly string[];
  /** What was asked of it, for assertions: `start app-web-1-…`. */
  readonly calls: string[];
}

const DEFAULT_FACTS: EngineFacts = {
  version: "28.0.0",
  api: "1.48",
  imageStore: "overlay2",
  architecture: "amd64",
  os: "linux",
  kernel: "6.1.0",
  cpus: 4,
  memoryBytes: 4 * 1024 ** 3,
  rootDir: "/var/lib/docker",
};
/** Docker waits 100 ms before the first restart and doubles it up to a minute. */
const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 60_000;

export function createFakeEngine(options: FakeEngineOptions): FakeEngine {
  const { clock } = options;
  const images = new Map<Digest, Behaviour>();
  const containers = new Map<string, FakeContainer>();
  const networks = new Map<string, NetworkSpec>();
  const volumes = new Map<string, VolumeSpec>();
  const calls: string[] = [];
  let changes: (() => void)[] = [];
  let count = 0;
  const changed = () => {
    for (const resolve of changes.splice(0)) resolve();
  };
  const enter = (call: string, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    if (!engine.reachable) throw new EngineError(0, "connect ENOENT /var/run/docker.sock");
    calls.push(call);
    for (const container of containers.values()) live(container, images, clock);
  };
  const find = (id: string): FakeContainer => {
    const found = containers.get(id);
    if (found === undefined) throw new EngineError(404, `No such container: ${id}`);
    return found;
  };
  const engine: FakeEngine = {
    reachable: true,
    images,
    calls,
    running: () => {
      for (const container of containers.values()) live(container, images, clock);
      return [...containers.values()]
        .filter(({ state }) => state === "running")
        .map(({ name }) => name)
        .sort();
    },
    reboot() {
      for (const container of containers.values()) rebootOne(container, clock);
      changed();
    },
    vanish(name) {
      for (const [id, container] of containers) if (container.name === name) containers.delete(id);
      changed();
    },
    kill(name, exitCode) {
      for (const container of containers.values()) {
        if (container.name === name) Object.assign(container, { state: "exited", exitCode });
      }
      changed();
    },
    loseNetwork(name) {
      networks.delete(name);
      for (const container of containers.values())
        if (Object.values(container.spec.networks).includes(name))
          Object.assign(container, { state: "exited", exitCode: 1, lost: true });
    },
    loseImage: (config) => images.delete(config),
    async facts(signal) {
      enter("facts", signal);
      return { ...DEFAULT_FACTS, ...options.facts };
    },
    async list(signal) {
      enter("list", signal);
      return {
        containers: [...containers.values()].map((container) => show(container, images, clock)),
        networks: [...networks.values()].map(({ name, labels }) => ({
          name,
          app: labels[LABELS.app] ?? "",
          specHash: labels[LABELS.spec] ?? "",
        })),
        volumes: [...volumes.values()].map(({ name, labels }) => ({ name, app: labels[LABELS.app] ?? "" })),
      };
    },
    async hasImage(config, signal) {
      enter("has-image", signal);
      return images.has(config);
    },
    async loadImage(platform, name, blobs, signal) {
      enter(`load ${name}`, signal);
      images.set(asDigest(platform.config), slowed(await behaviourOf(platform, blobs), options.pace ?? 1));
    },
    async removeImage(config, signal) {
      enter("remove-image", signal);
      if ([...containers.values()].some(({ spec }) => spec.image === config))
        throw new EngineError(409, "image is in use");
      if (!images.delete(config)) throw new EngineError(404, "No such image");
    },
    async createNetwork(spec, signal) {
      enter(`create-network ${spec.name}`, signal);
      if (networks.has(spec.name)) throw new EngineError(409, `network ${spec.name} already exists`);
      networks.set(spec.name, spec);
    },
    async removeNetwork(name, signal) {
      enter(`remove-network ${name}`, signal);
      const used = [...containers.values()].some(
        ({ state, spec }) => state === "running" && Object.values(spec.networks).includes(name),
      );
      if (used) throw new EngineError(403, `network ${name} has active endpoints`);
      if (!networks.delete(name)) throw new EngineError(404, `network ${name} not found`);
    },
    async createVolume(spec, signal) {
      enter(`create-volume ${spec.name}`, signal);
      volumes.set(spec.name, spec);
    },
    async createContainer(spec, signal) {
      enter(`create ${spec.name}`, signal);
      if (!images.has(spec.image)) throw new EngineError(404, `No such image: ${spec.image}`);
      if ([...containers.values()].some(({ name }) => name === spec.name))
        throw new EngineError(409, `The container name "/${spec.name}" is already in use`);
      for (const name of Object.values(spec.networks))
        if (!networks.has(name)) throw new EngineError(404, `network ${name} not found`);
      const id = `c${String(++count).padStart(4, "0")}`;
      containers.set(id, newContainer(id, spec));
      changed();
      return id;
    },
    async startContainer(id, signal) {
      const container = find(id);
      enter(`start ${container.name}`, signal);
      checkStart(container, containers, images);
      Object.assign(container, { state: "running", startedAt: clock.monotonic(), startedAtMs: clock.now() });
      Object.assign(container, { exitCode: undefined, oomKilled: false });
      changed();
    },
    async stopContainer(id, _graceMs, signal) {
      const container = find(id);
      enter(`stop ${container.name}`, signal);
      if (container.state === "created" || container.state === "exited") throw new EngineError(304, "already stopped");
      Object.assign(container, { state: "exited", exitCode: 0 });
      changed();
    },
    async removeContainer(id, signal) {
      const container = find(id);
      enter(`remove ${container.name}`, signal);
      if (container.state === "running") throw new EngineError(409, "the container is running");
      containers.delete(id);
      changed();
    },
    async renameContainer(id, name, signal) {
      enter(`rename ${name}`, signal);
      find(id).name = name;
    },
    async exec(id, command, signal) {
      enter(`exec ${command.join(" ")}`, signal);
      const container = find(id);
      if (container.state !== "running") throw new EngineError(409, "the container is not running");
      return healthOf(container, images, clock) === "unhealthy" ? 1 : 0;
    },
    async addressOf(id, port, signal) {
      enter("address", signal);
      return find(id).state === "running" ? { host: id, port } : undefined;
    },
    async logs(id, lines, signal) {
      enter(`logs ${lines}`, signal);
      const container = find(id);
      return `${container.spec.labels[LABELS.service]}: started\n${container.spec.labels[LABELS.service]}: last words\n`;
    },
    changed: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        changes.push(resolve);
        signal.addEventListener(
          "abort",
          () => {
            changes = changes.filter((other) => other !== resolve);
            resolve();
          },
          { once: true },
        );
      }),
  };
  return engine;
}

async function behaviourOf(platform: ReleasePlatform, blobs: Blobs): Promise<Behaviour> {
  for (const { digest } of platform.layers)
    if (!(await blobs.has(asDigest(digest)))) throw new EngineError(500, `blob ${digest} is missing`);
  const config = parseImageConfig(await blobs.readAll(asDigest(platform.config), MAX_CONFIG_BYTES));
  return parseBehaviour(config.run.Labels?.[BEHAVIOUR_LABEL]);
}

function slowed(behaviour: Behaviour, pace: number): Behaviour {
  return "afterMs" in behaviour ? { ...behaviour, afterMs: behaviour.afterMs * pace } : behaviour;
}

function newContainer(id: string, spec: ContainerSpec): FakeContainer {
  const fresh = { state: "created", startedAt: 0, startedAtMs: 0, restarts: 0 } as const;
  return { ...fresh, id, spec, name: spec.name, exitCode: undefined, oomKilled: false, lost: false };
}

/** As Docker does: a refused start, and a host port that another running container holds. */
function checkStart(
  container: FakeContainer,
  all: ReadonlyMap<string, FakeContainer>,
  images: ReadonlyMap<Digest, Behaviour>,
): void {
  if (container.state === "running") throw new EngineError(304, "already started");
  if (container.lost) throw new EngineError(404, "network not found");
  const behaviour = images.get(container.spec.image);
  if (behaviour === undefined) throw new EngineError(404, `No such image: ${container.spec.image}`);
  if (behaviour.kind === "never-starts") throw new EngineError(400, 'exec: "/app": no such file or directory');
  const ports = new Set(container.spec.service.ports.map(({ published }) => published));
  for (const other of all.values()) {
    if (other === container || other.state !== "running") continue;
    for (const { published } of other.spec.service.ports)
      if (published !== undefined && ports.has(published))
        throw new EngineError(500, `port ${published} is already allocated`);
  }
}

/** Brings a container up to the present: what its image does in the time since its start. */
function live(container: FakeContainer, images: ReadonlyMap<Digest, Behaviour>, clock: Clock): void {
  const behaviour = images.get(container.spec.image);
  if (container.state !== "running" || behaviour === undefined) return;
  if (behaviour.kind === "out-of-memory" && clock.monotonic() - container.startedAt >= behaviour.afterMs)
    Object.assign(container, { state: "exited", exitCode: 137, oomKilled: true });
  if (behaviour.kind === "exits") exitAndRestart(container, behaviour, clock);
}

function exitAndRestart(
  container: FakeContainer,
  behaviour: Extract<Behaviour, { kind: "exits" }>,
  clock: Clock,
): void {
  const { policy, maxRetries } = container.spec.service.restart;
  const nowMs = clock.monotonic();
  for (;;) {
    const endedAt = container.startedAt + behaviour.afterMs;
    if (endedAt > nowMs) return;
    const again =
      policy === "always" ||
      policy === "unless-stopped" ||
      (policy === "on-failure" &&
        behaviour.code !== 0 &&
        container.restarts < (maxRetries ?? Number.POSITIVE_INFINITY));
    if (!again) {
      Object.assign(container, { state: "exited", exitCode: behaviour.code });
      return;
    }
    const wait = Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(20, container.restarts));
    container.restarts++;
    container.startedAt = endedAt + wait;
    container.startedAtMs = clock.now() - (nowMs - container.startedAt);
    if (container.startedAt > nowMs) return;
  }
}

function rebootOne(container: FakeContainer, clock: Clock): void {
  if (container.state !== "running") return;
  const { policy } = container.spec.service.restart;
  const again = policy === "always" || policy === "unless-stopped";
  if (again) Object.assign(container, { startedAt: clock.monotonic(), startedAtMs: clock.now() });
  else Object.assign(container, { state: "exited", exitCode: 0 });
}

function show(container: FakeContainer, images: ReadonlyMap<Digest, Behaviour>, clock: Clock): EngineContainer {
  const waiting = container.state === "running" && container.startedAt > clock.monotonic();
  return {
    id: container.id,
    name: container.name,
    labels: container.spec.labels,
    image: container.spec.image,
    state: waiting ? "restarting" : container.state,
    health: healthOf(container, images, clock),
    restarts: container.restarts,
    ...(container.exitCode === undefined ? {} : { exitCode: container.exitCode }),
    ...(container.oomKilled ? { oomKilled: true } : {}),
    ...(container.startedAtMs === 0 ? {} : { startedAtMs: container.startedAtMs }),
  };
}

function healthOf(
  container: FakeContainer,
  images: ReadonlyMap<Digest, Behaviour>,
  clock: Clock,
): EngineContainer["health"] {
  const behaviour = images.get(container.spec.image);
  if (behaviour?.kind !== "healthy" && behaviour?.kind !== "unhealthy") return "none";
  if (container.state !== "running") return "none";
  return clock.monotonic() - container.startedAt >= behaviour.afterMs ? behaviour.kind : "starting";
}
