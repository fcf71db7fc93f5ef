import type { Mount, Service } from "@flotilla/compose/app";
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
    NetworkMode: service.networkMode ?? network ?? "none",
    PortBindings: portBindings(service),
    Binds: service.mounts.flatMap(bindOf),
    Mounts: service.mounts.flatMap((mount) => mountOf(mount, spec)),
    Tmpfs: Object.fromEntries(service.tmpfs.map(({ target, options }) => [target, options ?? ""])),
    RestartPolicy: { Name: service.restart.policy, MaximumRetryCount: service.restart.maxRetries ?? 0 },
    LogConfig: logConfigOf(service),
    CapAdd: service.capAdd,
    CapDrop: service.capDrop,
    Dns: service.dns,
    ExtraHosts: service.extraHosts,
    GroupAdd: service.groupAdd,
    IpcMode: service.ipcMode,
    PidMode: service.pidMode,
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
    Memory: service.resources.memoryBytes,
    MemoryReservation: service.resources.memoryReservationBytes,
    NanoCpus: service.resources.cpus === undefined ? undefined : Math.round(service.resources.cpus * NANO_CPUS),
    PidsLimit: service.resources.pids,
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
  return [`${mount.source}:${mount.target}:${mount.readOnly ? "ro" : "rw"}`];
}

function needsLongForm(mount: { readonly source: string; readonly target: string }): boolean {
  return mount.source.includes(":") || mount.target.includes(":");
}

function mountOf(mount: Mount, spec: ContainerSpec): readonly unknown[] {
  switch (mount.kind) {
    case "volume": {
      const { target: Target, readOnly: ReadOnly } = mount;
      const options = mount.noCopy === undefined ? {} : { VolumeOptions: { NoCopy: mount.noCopy } };
      return [{ Type: "volume", Source: spec.volumes[mount.volume] ?? mount.volume, Target, ReadOnly, ...options }];
    }
    case "bind":
      if (!needsLongForm(mount)) return [];
      return [{ Type: "bind", Source: mount.source, Target: mount.target, ReadOnly: mount.readOnly }];
    case "anonymous":
      return [{ Type: "volume", Target: mount.target, ReadOnly: mount.readOnly }];
    case "tmpfs": {
      const options = mount.sizeBytes === undefined ? {} : { TmpfsOptions: { SizeBytes: mount.sizeBytes } };
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
function defined(members: Record<string, unknown>): HostConfigBody {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
