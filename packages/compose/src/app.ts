import type { Digest } from "@flotilla/base/digest";

/**
 * A compose application in normal form: what `release create` stores and the agent applies. Long forms only, durations in milliseconds,
 * sizes in bytes, every default that we rely on written out. Every text value of services, networks, volumes and configs is a template:
 * it may hold `${NAME}` (and the other forms of compose) for names in {@link NormalisedApp.variables}, and a literal dollar is written
 * `$$`. `fillVariables` makes it plain for one device.
 */
export interface NormalisedApp {
  /** 1; raised when the meaning of a field changes. */
  readonly format: 1;
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, Network>>;
  readonly volumes: Readonly<Record<string, Volume>>;
  readonly configs: Readonly<Record<string, ConfigSource>>;
  readonly secrets: Readonly<Record<string, SecretSource>>;
  /** What the device fills in, by name (`x-flotilla: variables:` and environment keys without a value). */
  readonly variables: Readonly<Record<string, Variable>>;
}

export interface Variable {
  /** The value used when project, group and device give none; a variable without one is required. */
  readonly default?: string;
  readonly description?: string;
}

export interface Service {
  /** As written in the compose file, e.g. `registry.example/team/web:1.2`. The release document says which digest it became. */
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
  readonly expose: readonly string[];
  readonly networks: Readonly<Record<string, NetworkAttachment>>;
  /** `service:x` shares the network of the first container of x. */
  readonly networkMode?: "bridge" | "host" | "none" | `service:${string}`;
  readonly mounts: readonly Mount[];
  readonly configs: readonly FileMount[];
  readonly secrets: readonly FileMount[];
  readonly dependsOn: Readonly<Record<string, Dependency>>;
  readonly healthcheck?: Healthcheck;
  /** The probe of `x-flotilla: probe:`; used instead of the health check to decide the probation. */
  readonly probe?: Probe;
  /**
   * How containers of another release take over (`x-flotilla: strategy:` or the label `io.flotilla.strategy`). Absent: the old ones stop first.
   * `start-first`: they stop once the new ones have proved themselves beside them. `delete-then-download`: they and their image are removed
   * before the new image is fetched.
   */
  readonly strategy?: "start-first" | "delete-then-download";
  readonly restart: {
    readonly policy: "no" | "always" | "on-failure" | "unless-stopped";
    readonly maxRetries?: number;
  };
  readonly stopSignal?: string;
  readonly stopGracePeriodMs: number;
  readonly init?: boolean;
  readonly tty?: boolean;
  readonly stdinOpen?: boolean;
  readonly user?: string;
  readonly groupAdd?: readonly string[];
  readonly workingDir?: string;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly dns?: readonly string[];
  readonly dnsOptions?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly extraHosts?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly securityOpt?: readonly string[];
  readonly readOnly: boolean;
  readonly privileged?: boolean;
  readonly devices: readonly { readonly source: string; readonly target: string; readonly permissions: string }[];
  readonly deviceCgroupRules?: readonly string[];
  readonly deviceRequests?: readonly DeviceRequest[];
  readonly tmpfs: readonly { readonly target: string; readonly options?: string }[];
  readonly shmSizeBytes?: number;
  /** `host` or `service:x`. */
  readonly pidMode?: string;
  /** `host`, `private`, `shareable`, `none` or `service:x`. */
  readonly ipcMode?: string;
  readonly utsMode?: "host";
  readonly usernsMode?: "host";
  readonly cgroupMode?: "host" | "private";
  readonly cgroupParent?: string;
  readonly runtime?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Run one after the other after each start that the agent makes; the release fails when one does. */
  readonly postStart?: readonly Hook[];
  /** Run before each stop that the agent makes. */
  readonly preStop?: readonly Hook[];
  readonly resources: Resources;
  readonly replicas: number;
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly platform?: string;
}

export interface Port {
  readonly target: number;
  readonly published?: string;
  readonly hostIp?: string;
  readonly protocol: "tcp" | "udp" | "sctp";
}

export interface NetworkAttachment {
  readonly aliases?: readonly string[];
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly linkLocalIps?: readonly string[];
  readonly macAddress?: string;
  readonly interfaceName?: string;
  readonly driverOptions?: Readonly<Record<string, string>>;
  /** Networks with a higher one are joined first; 0 when it is not set. */
  readonly priority?: number;
  readonly gatewayPriority?: number;
}

export type Mount =
  | {
      readonly kind: "volume";
      readonly volume: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly noCopy?: boolean;
      readonly subpath?: string;
    }
  | {
      readonly kind: "bind";
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** False: a source that is not there is a failure. The engine makes it otherwise. */
      readonly createHostPath?: boolean;
      readonly propagation?: "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";
      readonly recursive?: "disabled" | "writable" | "readonly";
      readonly selinux?: "z" | "Z";
    }
  | { readonly kind: "anonymous"; readonly target: string; readonly readOnly: boolean }
  | { readonly kind: "tmpfs"; readonly target: string; readonly sizeBytes?: number; readonly mode?: number };

/** Devices that a driver of the engine hands out, graphics processors above all (Engine API, DeviceRequest). */
export interface DeviceRequest {
  readonly driver?: string;
  /** How many, -1 for all; absent with `deviceIds`. */
  readonly count?: number;
  readonly deviceIds?: readonly string[];
  readonly capabilities: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
}

/** A command that runs in the container beside its own. */
export interface Hook {
  readonly command: readonly string[];
  readonly user?: string;
  readonly privileged?: boolean;
  readonly workingDir?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A config or secret as a file in the container. */
export interface FileMount {
  readonly source: string;
  readonly target: string;
  readonly mode?: number;
  readonly uid?: string;
  readonly gid?: string;
}

export interface Dependency {
  readonly condition: "service_started" | "service_healthy" | "service_completed_successfully";
  readonly required: boolean;
  readonly restart: boolean;
}

export interface Healthcheck {
  /** Engine form: `["CMD", …]`, `["CMD-SHELL", text]` or `["NONE"]`; empty keeps the image's own test. */
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

/** How a service proves that it works. `deadlineMs` counts from the start of the container. */
export type Probe =
  | {
      readonly kind: "http";
      readonly port: number;
      readonly path: string;
      readonly expectStatus?: number;
      readonly deadlineMs: number;
    }
  | { readonly kind: "tcp"; readonly port: number; readonly deadlineMs: number }
  | { readonly kind: "exec"; readonly command: readonly string[]; readonly deadlineMs: number }
  | { readonly kind: "stable-for"; readonly stableMs: number; readonly deadlineMs: number };

export interface Resources {
  readonly memoryBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Memory and swap together, -1 for unlimited swap. */
  readonly memorySwapBytes?: number;
  /** 0 to 100. */
  readonly memorySwappiness?: number;
  readonly oomKillDisable?: boolean;
  /** -1000 to 1000. */
  readonly oomScoreAdj?: number;
  readonly cpus?: number;
  /** Processors it may run on: `0-2,4`. */
  readonly cpuset?: string;
  readonly cpuShares?: number;
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly cpuRealtimePeriodUs?: number;
  readonly cpuRealtimeRuntimeUs?: number;
  readonly pids?: number;
}

export interface Network {
  readonly driver?: string;
  readonly internal?: boolean;
  readonly driverOptions?: Readonly<Record<string, string>>;
  readonly attachable?: boolean;
  readonly enableIpv4?: boolean;
  readonly enableIpv6?: boolean;
  /** The one pool of addresses, when it is only that. */
  readonly subnet?: string;
  readonly gateway?: string;
  /** Everything else that can be said of addresses; then without `subnet` and `gateway`. */
  readonly ipam?: Ipam;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Ipam {
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly pools: readonly AddressPool[];
}

export interface AddressPool {
  readonly subnet?: string;
  readonly ipRange?: string;
  readonly gateway?: string;
  readonly auxiliaryAddresses?: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly driver?: string;
  readonly driverOptions?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The content of a config: a blob of the release artifact (`file`), or text in which variables may stand (`content`). */
export type ConfigSource =
  | { readonly kind: "file"; readonly digest: Digest; readonly sizeBytes: number }
  | { readonly kind: "content"; readonly content: string };

/** A secret is never in a release: the device gets its value as a variable of this name. */
export interface SecretSource {
  readonly kind: "variable";
  readonly variable: string;
}
