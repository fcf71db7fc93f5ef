import { canonicalJson } from "@flotilla/base/canonical-json";
import { type Digest, encodedPart } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { FileMount, NormalisedApp, Service } from "@flotilla/compose/app";
import { sharedServices } from "@flotilla/compose/service/namespaces";
import { sha256 } from "@flotilla/oci/hash";
import {
  choosePlatform,
  formatPlatform,
  normaliseArchitecture,
  type Platform,
  parsePlatform,
} from "@flotilla/oci/platform";
import type { ReleaseImage, ReleasePlatform } from "@flotilla/protocol/release";
import type { Held } from "./journal.ts";
import {
  type ContainerSpec,
  type EngineFacts,
  type EngineState,
  LABELS,
  type NetworkSpec,
  type VolumeSpec,
} from "./ports.ts";
import { digestOf, type LoadedRelease } from "./release.ts";
import { type FilledApp, fillApp } from "./variables.ts";

/** Containers that declare no logging keep at most this much: a chatty service must not fill the disk of a small device. */
const DEFAULT_LOGGING = { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } } as const;
const DEFAULT_CONFIG_MODE = 0o444;
const MAX_REPLICAS = 100;

/** A release made concrete for this device: platform chosen, variables filled in, every container named. */
export interface Instance {
  readonly app: string;
  readonly held: Held;
  /** A service stands after all that it depends on. */
  readonly services: readonly ServiceInstance[];
  readonly networks: readonly NetworkInstance[];
  readonly volumes: readonly VolumeSpec[];
  readonly images: readonly ImageInstance[];
  /** Blobs of the release itself, beside the images. */
  readonly ownBlobs: readonly Digest[];
}

export interface ServiceInstance {
  readonly name: string;
  readonly service: Service;
  readonly replicas: readonly ReplicaInstance[];
  /** Containers whose namespaces it shares, by service: the first of each. */
  readonly shared?: Readonly<Record<string, string>>;
  /** Whether another service waits for it to complete. */
  readonly completes: boolean;
}

export interface ReplicaInstance {
  readonly service: string;
  readonly replica: number;
  readonly name: string;
  /** Equal for two releases whose containers are the same: such a container is left running. */
  readonly specHash: string;
  readonly image: Digest;
  readonly files: ContainerSpec["files"];
}

export interface NetworkInstance {
  readonly key: string;
  readonly specHash: string;
  readonly network: NormalisedApp["networks"][string];
}

export interface ImageInstance {
  readonly repository: string;
  readonly config: Digest;
  readonly platform: ReleasePlatform;
}

/**
 * Builds what `release` means on an engine of this kind. Throws coded refusals: `architecture-unsupported`, `variable-missing`,
 * `variable-invalid`, `dependency-cycle`, `release-invalid`.
 */
export function buildInstance(app: string, release: LoadedRelease, held: Held, engine: Platform): Instance {
  const filled = fillApp(release.app, held.variables);
  const networks = Object.entries(filled.app.networks).map(([key, network]) => ({
    key,
    network,
    specHash: hashOf(network),
  }));
  const containers = new Map<string, string>();
  const services = orderByDependency(release.app.services).map((name): ServiceInstance => {
    const raw = release.app.services[name] as Service;
    const service = adapt({ ...(filled.app.services[name] as Service), image: raw.image });
    const platform = platformFor(release, service, engine);
    const files = filesOf(release, service, filled);
    const shared = Object.fromEntries(sharedServices(service).map((other) => [other, containers.get(other) ?? other]));
    const replicas = replicasOf({ app, name, service, networks, shared, files, image: digestOf(platform.config) });
    if (replicas[0] !== undefined) containers.set(name, replicas[0].name);
    return { name, service, replicas, shared, completes: isWaitedFor(name, release.app.services) };
  });
  return {
    app,
    held,
    services,
    networks,
    volumes: Object.entries(filled.app.volumes).map(([key, volume]) => ({
      name: `${app}_${key}`,
      labels: { [LABELS.app]: app },
      volume,
    })),
    images: imagesOf(release, engine),
    ownBlobs: release.ownBlobs,
  };
}

/** The images of a release that an engine of this kind needs. Throws `CodedError("architecture-unsupported")`. */
export function imagesOf(release: LoadedRelease, engine: Platform): readonly ImageInstance[] {
  const images = new Map<string, ImageInstance>();
  for (const service of Object.values(release.app.services)) {
    const platform = platformFor(release, service, engine);
    const { repository } = release.document.images[service.image] as ReleaseImage;
    images.set(platform.config, { repository, config: digestOf(platform.config), platform });
  }
  return [...images.values()];
}

/** The engine's platform in OCI's words. */
export function platformOf(facts: EngineFacts): Platform {
  const variant = facts.variant ?? /^armv(\d)/.exec(facts.architecture)?.[1]?.replace(/^/, "v");
  return {
    os: facts.os === "" ? "linux" : facts.os.toLowerCase(),
    architecture: normaliseArchitecture(facts.architecture),
    ...(variant === undefined ? {} : { variant }),
  };
}

/**
 * Engine names of an instance's networks by their names in the app. `<app>_<network>`, unless a network of that name with other options
 * is there, which the release that is running still needs: then the new one has its hash in its name.
 */
export function networkNames(instance: Instance, networks: EngineState["networks"]): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const { key, specHash } of instance.networks) {
    const plain = `${instance.app}_${key}`;
    const hashed = `${plain}_${specHash.slice(0, 8)}`;
    const there = networks.find(
      (other) => other.specHash === specHash && (other.name === plain || other.name === hashed),
    );
    names[key] = there?.name ?? (networks.some((other) => other.name === plain) ? hashed : plain);
  }
  return names;
}

export function networkSpec(instance: Instance, network: NetworkInstance, name: string): NetworkSpec {
  return { name, labels: { [LABELS.app]: instance.app, [LABELS.spec]: network.specHash }, network: network.network };
}

/** The container to create for `replica`. */
export function containerSpec(
  instance: Instance,
  service: ServiceInstance,
  replica: ReplicaInstance,
  networks: Readonly<Record<string, string>>,
): ContainerSpec {
  return {
    name: replica.name,
    image: replica.image,
    labels: {
      ...service.service.labels,
      [LABELS.app]: instance.app,
      [LABELS.service]: replica.service,
      [LABELS.replica]: String(replica.replica),
      [LABELS.release]: instance.held.release,
      [LABELS.variables]: instance.held.variablesHash,
      [LABELS.spec]: replica.specHash,
    },
    service: service.service,
    networks: Object.fromEntries(Object.keys(service.service.networks).map((key) => [key, networks[key] ?? key])),
    volumes: Object.fromEntries(instance.volumes.map(({ name }) => [name.slice(instance.app.length + 1), name])),
    ...(service.shared === undefined ? {} : { shared: service.shared }),
    files: replica.files,
  };
}

/** What we change of what the app says: see the reasons inside. */
function adapt(service: Service): Service {
  return {
    ...service,
    // `always` differs from `unless-stopped` only in that the engine's start would also start the old containers that we keep
    // stopped until the new release has proved itself.
    restart: service.restart.policy === "always" ? { policy: "unless-stopped" } : service.restart,
    logging: service.logging ?? DEFAULT_LOGGING,
  };
}

function replicasOf(of: {
  readonly app: string;
  readonly name: string;
  readonly service: Service;
  readonly networks: readonly NetworkInstance[];
  readonly shared: Readonly<Record<string, string>>;
  readonly files: ContainerSpec["files"];
  readonly image: Digest;
}): readonly ReplicaInstance[] {
  // What does not change the container does not change its hash: then it keeps running through an update.
  const { dependsOn: _d, probe: _p, strategy: _s, replicas, image: _i, ...fixed } = of.service;
  if (replicas > MAX_REPLICAS)
    throw new CodedError("release-invalid", `service ${of.name}: more than ${MAX_REPLICAS} replicas`);
  const specHash = hashOf({
    service: fixed,
    image: of.image,
    networks: of.networks.filter(({ key }) => key in of.service.networks).map(({ key, specHash }) => [key, specHash]),
    files: of.files.map(({ content, ...file }) => ({ ...file, content: sha256(content) })),
    // A namespace goes with its container: where that is replaced, so is what shares it.
    ...(Object.keys(of.shared).length === 0 ? {} : { shared: of.shared }),
  });
  return Array.from({ length: replicas }, (_, index) => ({
    service: of.name,
    replica: index + 1,
    name: `${of.app}-${of.name}-${index + 1}-${specHash.slice(0, 8)}`,
    specHash,
    image: of.image,
    files: of.files,
  }));
}

function filesOf(release: LoadedRelease, service: Service, { app, secrets }: FilledApp): ContainerSpec["files"] {
  const encoder = new TextEncoder();
  return [
    ...service.configs.map((mount) => fileOf(mount, configContent(release, app.configs[mount.source], mount.source))),
    ...service.secrets.map((mount) => {
      const value = secrets[mount.source];
      if (value === undefined) throw new CodedError("release-invalid", `secret ${mount.source} is not in the release`);
      return fileOf(mount, encoder.encode(value));
    }),
  ];
}

function configContent(
  release: LoadedRelease,
  config: NormalisedApp["configs"][string] | undefined,
  name: string,
): Uint8Array {
  if (config === undefined) throw new CodedError("release-invalid", `config ${name} is not in the release`);
  if (config.kind === "content") return new TextEncoder().encode(config.content);
  return release.files.get(config.digest) ?? new Uint8Array();
}

function fileOf(mount: FileMount, content: Uint8Array): ContainerSpec["files"][number] {
  return {
    path: mount.target,
    content,
    mode: mount.mode ?? DEFAULT_CONFIG_MODE,
    uid: ownerOf(mount.uid),
    gid: ownerOf(mount.gid),
  };
}

function ownerOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : 0;
}

function platformFor(release: LoadedRelease, service: Service, engine: Platform): ReleasePlatform {
  const image = release.document.images[service.image];
  if (image === undefined) throw new CodedError("release-invalid", `image ${service.image} is not in the release`);
  const wanted = service.platform === undefined ? engine : (parsePlatform(service.platform) ?? engine);
  const chosen = choosePlatform(image.platforms, (platform) => asPlatform(platform), wanted);
  if (chosen === undefined)
    throw new CodedError(
      "architecture-unsupported",
      `image ${service.image} is made for ${image.platforms.map((one) => formatPlatform(asPlatform(one))).join(", ")}, ` +
        `this device is ${formatPlatform(engine)}`,
    );
  return chosen;
}

function asPlatform(platform: ReleasePlatform): Platform {
  const { os, architecture, variant } = platform;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function isWaitedFor(name: string, services: NormalisedApp["services"]): boolean {
  return Object.values(services).some((other) => other.dependsOn[name]?.condition === "service_completed_successfully");
}

function orderByDependency(services: NormalisedApp["services"]): readonly string[] {
  const order: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (name: string): void => {
    if (state.get(name) === "done") return;
    if (state.get(name) === "open") throw new CodedError("dependency-cycle", `service ${name} depends on itself`);
    state.set(name, "open");
    const service = services[name];
    const before = service === undefined ? [] : [...Object.keys(service.dependsOn), ...sharedServices(service)];
    for (const other of before.sort()) if (other in services) visit(other);
    state.set(name, "done");
    order.push(name);
  };
  for (const name of Object.keys(services).sort()) visit(name);
  return order;
}

function hashOf(value: unknown): string {
  return encodedPart(sha256(canonicalJson(value)));
}
