import type { DeviceRequest, Mount, Resources, Service } from "@flotilla/compose/app";
import { sharedService } from "@flotilla/compose/service/namespaces";
import type { ContainerSpec } from "../ports.ts";

/** `HostConfig` of the Engine API, as far as a {@link Service} reaches. */
export type HostConfigBody = Readonly<Record<string, unknown>>;

/** Rotation for the drivers that write to the device's disk: without it one chatty container fills the flash. */
const ROTATION = { "max-size": "10m", "max-file": "3" } as const;
const ROTATED_DRIVERS = ["json-file", "local"];
const NANO_CPUS = 1_000_000_000;

/** What the engine is told of limits, mounts, ports and rights. `network` is the first network's engine name. */
export function hostConfigOf(spec: ContainerSpec, network: string | undefined): HostConfigBody {
  const { service } = spec;
  return defined({
    NetworkMode: modeOf(service.networkMode, spec) ?? network ?? "none",
    PortBindings: portBindings(service),
    Binds: service.mounts.flatMap(bindOf),
    Mounts: service.mounts.flatMap((mount) => mountOf(mount, spec)),
    Tmpfs: Object.fromEntries(service.tmpfs.map(({ target, options }) => [target, options ?? ""])),
    RestartPolicy: { Name: service.restart.policy, MaximumRetryCount: service.restart.maxRetries ?? 0 },
    LogConfig: logConfigOf(service),
    CapAdd: service.capAdd,
    CapDrop: service.capDrop,
    Dns: service.dns,
    DnsOptions: service.dnsOptions,
    DnsSearch: service.dnsSearch,
    ExtraHosts: service.extraHosts,
    GroupAdd: service.groupAdd,
    IpcMode: modeOf(service.ipcMode, spec),
    PidMode: modeOf(service.pidMode, spec),
    UTSMode: service.utsMode,
    UsernsMode: service.usernsMode,
    CgroupnsMode: service.cgroupMode,
    CgroupParent: service.cgroupParent,
    Runtime: service.runtime,
    Annotations: service.annotations,
    Privileged: service.privileged,
    ReadonlyRootfs: service.readOnly,
    SecurityOpt: service.securityOpt,
    ShmSize: service.shmSizeBytes,
    Sysctls: service.sysctls,
    Init: service.init,
    Ulimits: service.ulimits && ulimitsOf(service.ulimits),
    Devices: service.devices.map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })),
    DeviceCgroupRules: service.deviceCgroupRules,
    DeviceRequests: service.deviceRequests?.map(deviceRequestOf),
    ...limitsOf(service.resources),
  });
}

function limitsOf(resources: Resources): Record<string, unknown> {
  return {
    Memory: resources.memoryBytes,
    MemoryReservation: resources.memoryReservationBytes,
    MemorySwap: resources.memorySwapBytes,
    MemorySwappiness: resources.memorySwappiness,
    OomKillDisable: resources.oomKillDisable,
    OomScoreAdj: resources.oomScoreAdj,
    NanoCpus: resources.cpus === undefined ? undefined : Math.round(resources.cpus * NANO_CPUS),
    CpusetCpus: resources.cpuset,
    CpuShares: resources.cpuShares,
    CpuQuota: resources.cpuQuotaUs,
    CpuPeriod: resources.cpuPeriodUs,
    CpuRealtimePeriod: resources.cpuRealtimePeriodUs,
    CpuRealtimeRuntime: resources.cpuRealtimeRuntimeUs,
    PidsLimit: resources.pids,
  };
}

/** A mode in the engine's words: another service's namespace is its container's. */
function modeOf(mode: string | undefined, spec: ContainerSpec): string | undefined {
  const name = sharedService(mode);
  return name === undefined ? mode : `container:${spec.shared?.[name] ?? name}`;
}

function deviceRequestOf(request: DeviceRequest): Record<string, unknown> {
  return defined({
    Driver: request.driver,
    Count: request.count,
    DeviceIDs: request.deviceIds,
    Capabilities: [request.capabilities],
    Options: request.options,
  });
}

function portBindings(service: Service): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of service.ports) {
    const key = `${port.target}/${port.protocol}`;
    const list = bindings[key] ?? [];
    list.push({ HostIp: port.hostIp ?? "", HostPort: port.published ?? "" });
    bindings[key] = list;
  }
  return bindings;
}

/** A bind as text makes the host's folder when it is missing, as compose's short form does; the text cannot hold a colon. */
function bindOf(mount: Mount): readonly string[] {
  if (mount.kind !== "bind" || needsLongForm(mount)) return [];
  const options = [mount.readOnly ? "ro" : "rw", mount.selinux, mount.propagation].filter((one) => one !== undefined);
  return [`${mount.source}:${mount.target}:${options.join(",")}`];
}

type Bind = Extract<Mount, { kind: "bind" }>;

function needsLongForm({ source, target, createHostPath, recursive }: Bind): boolean {
  return source.includes(":") || target.includes(":") || createHostPath === false || recursive !== undefined;
}

function bindOptionsOf({ propagation, recursive }: Bind): Record<string, unknown> {
  const options = defined({
    Propagation: propagation,
    NonRecursive: recursive === "disabled" ? true : undefined,
    ReadOnlyNonRecursive: recursive === "writable" ? true : undefined,
    ReadOnlyForceRecursive: recursive === "readonly" ? true : undefined,
  });
  return Object.keys(options).length === 0 ? {} : { BindOptions: options };
}

function mountOf(mount: Mount, spec: ContainerSpec): readonly unknown[] {
  switch (mount.kind) {
    case "volume": {
      const { target: Target, readOnly: ReadOnly } = mount;
      const volume = defined({ NoCopy: mount.noCopy, Subpath: mount.subpath });
      const options = Object.keys(volume).length === 0 ? {} : { VolumeOptions: volume };
      return [{ Type: "volume", Source: spec.volumes[mount.volume] ?? mount.volume, Target, ReadOnly, ...options }];
    }
    case "bind":
      if (!needsLongForm(mount)) return [];
      return [
        {
          Type: "bind",
          Source: mount.source,
          Target: mount.target,
          ReadOnly: mount.readOnly,
          ...bindOptionsOf(mount),
        },
      ];
    case "anonymous":
      return [{ Type: "volume", Target: mount.target, ReadOnly: mount.readOnly }];
    case "tmpfs": {
      const tmpfs = defined({ SizeBytes: mount.sizeBytes, Mode: mount.mode });
      const options = Object.keys(tmpfs).length === 0 ? {} : { TmpfsOptions: tmpfs };
      return [{ Type: "tmpfs", Target: mount.target, ...options }];
    }
  }
}

function logConfigOf(service: Service): { Type: string; Config: Readonly<Record<string, string>> } {
  const driver = service.logging?.driver ?? "json-file";
  const defaults = ROTATED_DRIVERS.includes(driver) ? ROTATION : {};
  return { Type: driver, Config: { ...defaults, ...service.logging?.options } };
}

function ulimitsOf(ulimits: NonNullable<Service["ulimits"]>): readonly unknown[] {
  return Object.entries(ulimits).map(([name, { soft, hard }]) => ({ Name: name, Soft: soft, Hard: hard }));
}

/** Without the members that are not set, which the engine would read as zero. */
function defined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
