import type { Healthcheck, Service } from "@flotilla/compose/app";
import type { ContainerSpec } from "../ports.ts";
import { type EndpointBody, endpointsOf } from "./endpoints.ts";
import { type HostConfigBody, hostConfigOf } from "./host-config.ts";
import { IMAGE_LABEL } from "./list.ts";

const NANOSECONDS = 1_000_000;

/** Body of `POST /containers/create` (Engine API, ContainerConfig). Fields that are not set are left to the image. */
export interface ContainerBody {
  readonly Image: string;
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts: Readonly<Record<string, Record<string, never>>>;
  readonly Healthcheck?: HealthcheckBody;
  readonly StopSignal?: string;
  readonly StopTimeout: number;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly HostConfig: HostConfigBody;
  readonly NetworkingConfig: { readonly EndpointsConfig: Readonly<Record<string, EndpointBody>> };
}

interface HealthcheckBody {
  readonly Test: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** What the engine can do, where that changes how a container is asked for. */
export interface Abilities {
  /** Minor number of the API in use, 41 for 1.41. */
  readonly apiMinor: number;
}

/** The engine's form of a container. `image` is a reference the engine knows; networks beyond the first are connected afterwards. */
export function containerBody(spec: ContainerSpec, image: string, abilities: Abilities): ContainerBody {
  const { service } = spec;
  const [first] = endpointsOf(spec);
  return {
    Image: image,
    ...given("Cmd", service.command),
    ...given("Entrypoint", service.entrypoint),
    Env: Object.entries(service.environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...service.labels, ...spec.labels, [IMAGE_LABEL]: spec.image },
    ExposedPorts: exposedPorts(service),
    ...given("Healthcheck", service.healthcheck && healthcheckOf(service.healthcheck, abilities)),
    ...given("StopSignal", service.stopSignal),
    StopTimeout: Math.ceil(service.stopGracePeriodMs / 1000),
    Tty: service.tty ?? false,
    OpenStdin: service.stdinOpen ?? false,
    ...given("User", service.user),
    ...given("WorkingDir", service.workingDir),
    ...given("Hostname", service.hostname),
    ...given("Domainname", service.domainname),
    HostConfig: hostConfigOf(spec, first?.network),
    NetworkingConfig: { EndpointsConfig: first === undefined ? {} : { [first.network]: first.body } },
  };
}

/** `{ [key]: value }`, or nothing when the value is not set. */
export function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}

function exposedPorts(service: Service): Record<string, Record<string, never>> {
  const published = service.ports.map((port) => `${port.target}/${port.protocol}`);
  const exposed = service.expose.map((port) => (port.includes("/") ? port : `${port}/tcp`));
  return Object.fromEntries([...published, ...exposed].map((port) => [port, {}]));
}

/** Durations in nanoseconds; the engine refuses any under a millisecond. `start_interval` came with API 1.44 and is left out before. */
function healthcheckOf(check: Healthcheck, abilities: Abilities): HealthcheckBody {
  const startIntervalMs = abilities.apiMinor >= 44 ? check.startIntervalMs : undefined;
  return {
    Test: check.test,
    ...given("Interval", nanoseconds(check.intervalMs)),
    ...given("Timeout", nanoseconds(check.timeoutMs)),
    ...given("StartPeriod", nanoseconds(check.startPeriodMs)),
    ...given("StartInterval", nanoseconds(startIntervalMs)),
    ...given("Retries", check.retries),
  };
}

function nanoseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * NANOSECONDS);
}
