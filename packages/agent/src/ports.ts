import type { Digest } from "@flotilla/base/digest";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { DeviceFacts, DeviceMessage, ServerMessage } from "@flotilla/protocol/device";
import type { ReleaseDocument, ReleasePlatform } from "@flotilla/protocol/release";

/** The engine as the agent needs it: the Docker Engine API, or the fake of `sim`. All calls may throw {@link EngineError}. */
export interface Engine {
  facts(signal?: AbortSignal): Promise<EngineFacts>;
  /** Containers, networks and volumes that carry our labels, running or not. */
  list(signal?: AbortSignal): Promise<EngineState>;
  /** Whether an image with this config digest is in the store, whole. */
  hasImage(config: Digest, signal?: AbortSignal): Promise<boolean>;
  /** Puts an image into the engine from blobs that are all in `blobs`; afterwards `hasImage(platform.config)` is true. */
  loadImage(platform: ReleasePlatform, name: string, blobs: Blobs, signal?: AbortSignal): Promise<void>;
  removeImage(config: Digest, signal?: AbortSignal): Promise<void>;
  createNetwork(spec: NetworkSpec, signal?: AbortSignal): Promise<void>;
  removeNetwork(name: string, signal?: AbortSignal): Promise<void>;
  createVolume(spec: VolumeSpec, signal?: AbortSignal): Promise<void>;
  /** Creates without starting; `files` are copied in before the first start. Returns the id. */
  createContainer(spec: ContainerSpec, signal?: AbortSignal): Promise<string>;
  startContainer(id: string, signal?: AbortSignal): Promise<void>;
  stopContainer(id: string, graceMs: number, signal?: AbortSignal): Promise<void>;
  removeContainer(id: string, signal?: AbortSignal): Promise<void>;
  renameContainer(id: string, name: string, signal?: AbortSignal): Promise<void>;
  /** Runs a command in the container and gives its exit code. */
  exec(id: string, command: readonly string[], signal?: AbortSignal, options?: ExecOptions): Promise<number>;
  /** An address on which the device reaches the container's port, or undefined when it has none. */
  addressOf(
    id: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<{ readonly host: string; readonly port: number } | undefined>;
  /** The last lines a container wrote, for reports and `flotilla-agent logs`. */
  logs(id: string, lines: number, signal?: AbortSignal): Promise<string>;
  /** Resolves at the next change of one of our containers, or when the signal aborts. A hint only: state is always read again. */
  changed(signal: AbortSignal): Promise<void>;
}

/** How a command is run, where it differs from the container's own. */
export interface ExecOptions {
  readonly user?: string;
  readonly workingDir?: string;
  readonly privileged?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface EngineFacts {
  readonly version: string;
  readonly api: string;
  readonly imageStore: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  readonly kernel: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly rootDir: string;
  /** Names of the runtimes it can start containers with; absent where it does not say. */
  readonly runtimes?: readonly string[];
  readonly cgroupVersion?: "1" | "2";
}

export interface EngineState {
  readonly containers: readonly EngineContainer[];
  readonly networks: readonly { readonly name: string; readonly app: string; readonly specHash: string }[];
  readonly volumes: readonly { readonly name: string; readonly app: string }[];
}

export interface EngineContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Config digest of its image. */
  readonly image: Digest;
  readonly state: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
  readonly health: "healthy" | "unhealthy" | "starting" | "none";
  readonly restarts: number;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Wall clock of the device, milliseconds. */
  readonly startedAtMs?: number;
}

/** Labels that mark what is ours. Nothing without `io.flotilla.app` is ever touched. */
export const LABELS = {
  app: "io.flotilla.app",
  service: "io.flotilla.service",
  replica: "io.flotilla.replica",
  release: "io.flotilla.release",
  variables: "io.flotilla.variables",
  spec: "io.flotilla.spec",
} as const;

/** A container to create: engine-neutral, variables filled in. `Service` says what the fields mean. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: Digest;
  readonly labels: Readonly<Record<string, string>>;
  readonly service: NormalisedApp["services"][string];
  /** Engine names of networks and volumes by the names used in the app. */
  readonly networks: Readonly<Record<string, string>>;
  readonly volumes: Readonly<Record<string, string>>;
  /** Engine names of the containers whose namespaces it shares, by the names of their services. */
  readonly shared?: Readonly<Record<string, string>>;
  readonly files: readonly {
    readonly path: string;
    readonly content: Uint8Array;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  }[];
}

export interface NetworkSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly network: NormalisedApp["networks"][string];
}

export interface VolumeSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly volume: NormalisedApp["volumes"][string];
}

export class EngineError extends Error {
  /** HTTP status of the engine, 0 when it could not be reached. */
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EngineError";
    this.status = status;
  }
}

/** Content-addressed files on the device, verified and fsynced before they count as present. */
export interface Blobs {
  has(digest: Digest): Promise<boolean>;
  sizeBytes(digest: Digest): Promise<number | undefined>;
  read(digest: Digest): AsyncIterable<Uint8Array>;
  /** Whole content of a small blob; refuses above `maxBytes`. */
  readAll(digest: Digest, maxBytes: number): Promise<Uint8Array>;
  /** Keeps a small blob that is in memory (a release's manifest); refuses content that is not of this digest. */
  put(digest: Digest, content: Uint8Array): Promise<void>;
  list(): Promise<readonly Digest[]>;
  remove(digest: Digest): Promise<void>;
  freeBytes(): Promise<number>;
}

/** Brings blobs from the server's registry into {@link Blobs}; resumes by range, verifies, fsyncs. */
export interface Fetcher {
  fetch(
    blob: { readonly repository: string; readonly digest: Digest; readonly sizeBytes: number },
    onProgress: (doneBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** A manifest by digest, whole and verified; at most 4 MiB. */
  fetchManifest(repository: string, digest: Digest, signal: AbortSignal): Promise<Uint8Array>;
}

/** A release as the agent keeps it: verified against its digest. */
export interface Release {
  readonly digest: Digest;
  readonly repository: string;
  readonly document: ReleaseDocument;
  readonly app: NormalisedApp;
}

/** Small durable state: one JSON value, replaced atomically (write, fsync, rename, fsync the folder). */
export interface Store {
  load(): Promise<unknown>;
  save(value: unknown): Promise<void>;
}

/** The connection to the server. Reconnects by itself; level-triggered, so a lost message costs nothing. */
export interface Link {
  /** Runs until the signal aborts. */
  run(handlers: LinkHandlers, signal: AbortSignal): Promise<void>;
  /** Sends when connected; returns false (and drops it) when not. */
  send(message: DeviceMessage): boolean;
}

export interface LinkHandlers {
  /** Connected and welcomed. */
  connected(welcome: Extract<ServerMessage, { type: "welcome" }>): void;
  disconnected(reason: string): void;
  message(message: ServerMessage): void;
  /** For the hello. */
  targetVersion(): number;
}

/** What the host says of itself. */
export interface Host {
  facts(): Promise<Pick<DeviceFacts, "hostname" | "os" | "diskBytes" | "timeZone">>;
  readonly bootId: string;
  availableMemoryBytes(): Promise<number>;
  /** Whether a TCP or UDP port can be bound on the host now. */
  portIsFree(port: number, protocol: "tcp" | "udp", hostIp?: string): Promise<boolean>;
  /** For http and tcp probes. */
  probe(
    probe:
      | { readonly kind: "http"; readonly host: string; readonly port: number; readonly path: string }
      | { readonly kind: "tcp"; readonly host: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<number | undefined>;
}
