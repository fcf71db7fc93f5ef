import type { Clock } from "@flotilla/base/clock";
import { asDigest, type Digest } from "@flotilla/base/digest";
import { type Behaviour, behaviourOf, slowed } from "./behaviour.fake.ts";
import {
  type ContainerSpec,
  type Engine,
  type EngineContainer,
  EngineError,
  type EngineFacts,
  LABELS,
  type NetworkSpec,
  type VolumeSpec,
} from "./ports.ts";

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

/** What the engine holds. */
interface Held {
  readonly options: FakeEngineOptions;
  readonly clock: Clock;
  readonly images: Map<Digest, Behaviour>;
  readonly containers: Map<string, FakeContainer>;
  readonly networks: Map<string, NetworkSpec>;
  readonly volumes: Map<string, VolumeSpec>;
  readonly calls: string[];
  changes: (() => void)[];
  count: number;
}

export function createFakeEngine(options: FakeEngineOptions): FakeEngine {
  const held: Held = {
    ...{ options, clock: options.clock, calls: [], changes: [], count: 0 },
    ...{ images: new Map(), containers: new Map(), networks: new Map(), volumes: new Map() },
  };
  const enter: Enter = (call, signal) => {
    signal?.throwIfAborted();
    if (!engine.reachable) throw new EngineError(0, "connect ENOENT /var/run/docker.sock");
    held.calls.push(call);
    bringToPresent(held);
  };
  const engine: FakeEngine = {
    reachable: true,
    images: held.images,
    calls: held.calls,
    ...controls(held),
    ...looks(held, enter),
    ...imageCalls(held, enter),
    ...networkCalls(held, enter),
    ...containerCalls(held, enter),
  };
  return engine;
}

/** Every call of the agent begins with it: refuses when the engine is away, and brings the containers up to the present. */
type Enter = (call: string, signal?: AbortSignal) => void;

/** What a test does to the engine behind the agent's back. */
function controls(held: Held) {
  const { containers, clock } = held;
  return {
    running: () => {
      bringToPresent(held);
      const names = [...containers.values()].filter(({ state }) => state === "running").map(({ name }) => name);
      return names.sort();
    },
    reboot: () => {
      for (const container of containers.values()) rebootOne(container, clock);
      changed(held);
    },
    vanish: (name: string) => {
      for (const [id, container] of containers) if (container.name === name) containers.delete(id);
      changed(held);
    },
    kill: (name: string, exitCode: number) => {
      for (const container of containers.values())
        if (container.name === name) Object.assign(container, { state: "exited", exitCode });
      changed(held);
    },
    loseNetwork: (name: string) => {
      held.networks.delete(name);
      for (const container of containers.values())
        if (Object.values(container.spec.networks).includes(name))
          Object.assign(container, { state: "exited", exitCode: 1, lost: true });
    },
    loseImage: (config: Digest) => {
      held.images.delete(config);
    },
  };
}

function looks(held: Held, enter: Enter): Pick<Engine, "facts" | "list" | "exec" | "addressOf" | "logs" | "changed"> {
  const { containers, networks, volumes, images, clock } = held;
  return {
    async facts(signal) {
      enter("facts", signal);
      return { ...DEFAULT_FACTS, ...held.options.facts };
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
    async exec(id, command, signal) {
      enter(`exec ${command.join(" ")}`, signal);
      const container = find(held, id);
      if (container.state !== "running") throw new EngineError(409, "the container is not running");
      return healthOf(container, images, clock) === "unhealthy" ? 1 : 0;
    },
    async addressOf(id, port, signal) {
      enter("address", signal);
      return find(held, id).state === "running" ? { host: id, port } : undefined;
    },
    async logs(id, lines, signal) {
      enter(`logs ${lines}`, signal);
      const service = find(held, id).spec.labels[LABELS.service];
      return `${service}: started\n${service}: last words\n`;
    },
    changed: (signal) => nextChange(held, signal),
  };
}

function imageCalls(held: Held, enter: Enter): Pick<Engine, "hasImage" | "loadImage" | "removeImage"> {
  const { images, containers, options } = held;
  return {
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
  };
}

function networkCalls(held: Held, enter: Enter): Pick<Engine, "createNetwork" | "removeNetwork" | "createVolume"> {
  const { networks, volumes, containers } = held;
  return {
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
  };
}

type ContainerCall = "createContainer" | "startContainer" | "stopContainer" | "removeContainer" | "renameContainer";

function containerCalls(held: Held, enter: Enter): Pick<Engine, ContainerCall> {
  const { containers, images, clock } = held;
  return {
    async createContainer(spec, signal) {
      enter(`create ${spec.name}`, signal);
      checkCreate(spec, held);
      const id = `c${String(++held.count).padStart(4, "0")}`;
      containers.set(id, newContainer(id, spec));
      changed(held);
      return id;
    },
    async startContainer(id, signal) {
      const container = find(held, id);
      enter(`start ${container.name}`, signal);
      checkStart(container, containers, images);
      Object.assign(container, { state: "running", startedAt: clock.monotonic(), startedAtMs: clock.now() });
      Object.assign(container, { exitCode: undefined, oomKilled: false });
      changed(held);
    },
    async stopContainer(id, _graceMs, signal) {
      const container = find(held, id);
      enter(`stop ${container.name}`, signal);
      if (container.state === "created" || container.state === "exited") throw new EngineError(304, "already stopped");
      Object.assign(container, { state: "exited", exitCode: 0 });
      changed(held);
    },
    async removeContainer(id, signal) {
      const container = find(held, id);
      enter(`remove ${container.name}`, signal);
      if (container.state === "running") throw new EngineError(409, "the container is running");
      containers.delete(id);
      changed(held);
    },
    async renameContainer(id, name, signal) {
      enter(`rename ${name}`, signal);
      find(held, id).name = name;
    },
  };
}

function find({ containers }: Held, id: string): FakeContainer {
  const found = containers.get(id);
  if (found === undefined) throw new EngineError(404, `No such container: ${id}`);
  return found;
}

function changed(held: Held): void {
  for (const resolve of held.changes.splice(0)) resolve();
}

function nextChange(held: Held, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    held.changes.push(resolve);
    const ended = () => {
      held.changes = held.changes.filter((other) => other !== resolve);
      resolve();
    };
    signal.addEventListener("abort", ended, { once: true });
  });
}

function bringToPresent({ containers, images, clock }: Held): void {
  for (const container of containers.values()) live(container, images, clock);
}

function checkCreate(spec: ContainerSpec, { images, containers, networks }: Held): void {
  if (!images.has(spec.image)) throw new EngineError(404, `No such image: ${spec.image}`);
  if ([...containers.values()].some(({ name }) => name === spec.name))
    throw new EngineError(409, `The container name "/${spec.name}" is already in use`);
  for (const name of Object.values(spec.networks))
    if (!networks.has(name)) throw new EngineError(404, `network ${name} not found`);
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
