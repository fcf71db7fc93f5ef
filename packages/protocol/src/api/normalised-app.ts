import { Type } from "typebox";
import { AppName, DigestText } from "../target.ts";

/**
 * The schema of `NormalisedApp` (`@flotilla/compose/app`) with the bounds that hold for one that comes from outside. The server validates
 * a release with it; a test keeps the two in step. Unknown members are refused everywhere.
 */

const STRICT = { additionalProperties: false } as const;

/** Bounds of an application. */
export const MAX_SERVICES = 100;
const MAX_ENTRIES = 500;
const MAX_TEXT = 32 * 1024;
/** Content of a config given in the compose file itself. */
export const MAX_CONFIG_CONTENT = 256 * 1024;
/** A file that is mounted as a config. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_DURATION_MS = 366 * 86_400_000;

const Text = Type.String({ maxLength: MAX_TEXT });
const Short = Type.String({ maxLength: 1024 });
const Name = Type.String({ pattern: "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$" });
export const VariableName = Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$" });
const Path = Type.String({ pattern: "^/[^\\u0000]*$", maxLength: 4096 });
/** Absolute, or a template that the device makes absolute. */
const HostPath = Type.String({ pattern: "^[/$][^\\u0000]*$", maxLength: 4096 });
const Duration = Type.Number({ minimum: 0, maximum: MAX_DURATION_MS });
const FileMode = Type.Integer({ minimum: 0, maximum: 0o7777 });
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Whole = Type.Integer({ minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER });
const Microseconds = Type.Integer({ minimum: 0, maximum: 3_600_000_000 });
/** `service:x`: the namespace of the first container of x. */
const SHARED = "service:[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}";
const modes = (...names: readonly string[]) => Type.String({ pattern: `^(?:${[...names, SHARED].join("|")})$` });
const PortNumber = Type.Integer({ minimum: 1, maximum: 65_535 });
const Texts = Type.Array(Text, { maxItems: MAX_ENTRIES });
const Shorts = Type.Array(Short, { maxItems: MAX_ENTRIES });
const TextMap = Type.Record(Short, Text, { maxProperties: MAX_ENTRIES });
const named = <T extends Parameters<typeof Type.Record>[1]>(value: T, maxProperties = MAX_ENTRIES) =>
  Type.Record(Name, value, { maxProperties, ...STRICT });

const Port = Type.Object(
  {
    target: PortNumber,
    /** A number, a range, or a template. */
    published: Type.Optional(Type.String({ pattern: "^(?:[0-9]{1,5}(?:-[0-9]{1,5})?|.*\\$\\{.*)$", maxLength: 1024 })),
    hostIp: Type.Optional(Short),
    protocol: Type.Enum(["tcp", "udp", "sctp"]),
  },
  STRICT,
);

const NetworkAttachment = Type.Object(
  {
    aliases: Type.Optional(Shorts),
    ipv4Address: Type.Optional(Short),
    ipv6Address: Type.Optional(Short),
    linkLocalIps: Type.Optional(Shorts),
    macAddress: Type.Optional(Short),
    interfaceName: Type.Optional(Short),
    driverOptions: Type.Optional(TextMap),
    priority: Type.Optional(Whole),
    gatewayPriority: Type.Optional(Whole),
  },
  STRICT,
);

const Mount = Type.Union([
  Type.Object(
    {
      kind: Type.Literal("volume"),
      volume: Name,
      target: Path,
      readOnly: Type.Boolean(),
      noCopy: Type.Optional(Type.Boolean()),
      subpath: Type.Optional(Short),
    },
    STRICT,
  ),
  Type.Object(
    {
      kind: Type.Literal("bind"),
      source: HostPath,
      target: Path,
      readOnly: Type.Boolean(),
      createHostPath: Type.Optional(Type.Boolean()),
      propagation: Type.Optional(Type.Enum(["private", "rprivate", "shared", "rshared", "slave", "rslave"])),
      recursive: Type.Optional(Type.Enum(["disabled", "writable", "readonly"])),
      selinux: Type.Optional(Type.Enum(["z", "Z"])),
    },
    STRICT,
  ),
  Type.Object({ kind: Type.Literal("anonymous"), target: Path, readOnly: Type.Boolean() }, STRICT),
  Type.Object(
    { kind: Type.Literal("tmpfs"), target: Path, sizeBytes: Type.Optional(Bytes), mode: Type.Optional(FileMode) },
    STRICT,
  ),
]);

const FileMount = Type.Object(
  {
    source: Name,
    target: Path,
    mode: Type.Optional(FileMode),
    uid: Type.Optional(Short),
    gid: Type.Optional(Short),
  },
  STRICT,
);

const Dependency = Type.Object(
  {
    condition: Type.Enum(["service_started", "service_healthy", "service_completed_successfully"]),
    required: Type.Boolean(),
    restart: Type.Boolean(),
  },
  STRICT,
);

const Healthcheck = Type.Object(
  {
    test: Type.Array(Text, { maxItems: MAX_ENTRIES }),
    intervalMs: Type.Optional(Duration),
    timeoutMs: Type.Optional(Duration),
    startPeriodMs: Type.Optional(Duration),
    startIntervalMs: Type.Optional(Duration),
    retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  },
  STRICT,
);

const Probe = Type.Union([
  Type.Object(
    {
      kind: Type.Literal("http"),
      port: PortNumber,
      path: Type.String({ pattern: "^/", maxLength: 2048 }),
      expectStatus: Type.Optional(Type.Integer({ minimum: 100, maximum: 599 })),
      deadlineMs: Duration,
    },
    STRICT,
  ),
  Type.Object({ kind: Type.Literal("tcp"), port: PortNumber, deadlineMs: Duration }, STRICT),
  Type.Object(
    {
      kind: Type.Literal("exec"),
      command: Type.Array(Text, { minItems: 1, maxItems: MAX_ENTRIES }),
      deadlineMs: Duration,
    },
    STRICT,
  ),
  Type.Object({ kind: Type.Literal("stable-for"), stableMs: Duration, deadlineMs: Duration }, STRICT),
]);

const Resources = Type.Object(
  {
    memoryBytes: Type.Optional(Bytes),
    memoryReservationBytes: Type.Optional(Bytes),
    memorySwapBytes: Type.Optional(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER })),
    memorySwappiness: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    oomKillDisable: Type.Optional(Type.Boolean()),
    oomScoreAdj: Type.Optional(Type.Integer({ minimum: -1000, maximum: 1000 })),
    cpus: Type.Optional(Type.Number({ minimum: 0, maximum: 1024 })),
    cpuset: Type.Optional(Type.String({ pattern: "^[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*$", maxLength: 1024 })),
    cpuShares: Type.Optional(Type.Integer({ minimum: 0, maximum: 262_144 })),
    cpuQuotaUs: Type.Optional(Microseconds),
    cpuPeriodUs: Type.Optional(Microseconds),
    cpuRealtimePeriodUs: Type.Optional(Microseconds),
    cpuRealtimeRuntimeUs: Type.Optional(Microseconds),
    pids: Type.Optional(Type.Integer({ minimum: -1 })),
  },
  STRICT,
);

const DeviceRequest = Type.Object(
  {
    driver: Type.Optional(Short),
    count: Type.Optional(Type.Integer({ minimum: -1, maximum: 1000 })),
    deviceIds: Type.Optional(Shorts),
    capabilities: Shorts,
    options: Type.Optional(TextMap),
  },
  STRICT,
);

const Hook = Type.Object(
  {
    command: Type.Array(Text, { minItems: 1, maxItems: MAX_ENTRIES }),
    user: Type.Optional(Short),
    privileged: Type.Optional(Type.Boolean()),
    workingDir: Type.Optional(Short),
    environment: Type.Optional(TextMap),
  },
  STRICT,
);
/** Hooks of one service. */
const Hooks = Type.Array(Hook, { maxItems: 50 });

const Restart = Type.Object(
  {
    policy: Type.Enum(["no", "always", "on-failure", "unless-stopped"]),
    maxRetries: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  },
  STRICT,
);

const Ulimit = Type.Object({ soft: Type.Integer({ minimum: -1 }), hard: Type.Integer({ minimum: -1 }) }, STRICT);

const Service = Type.Object(
  {
    image: Type.String({ minLength: 1, maxLength: 512 }),
    command: Type.Optional(Texts),
    entrypoint: Type.Optional(Texts),
    environment: TextMap,
    labels: TextMap,
    ports: Type.Array(Port, { maxItems: MAX_ENTRIES }),
    expose: Shorts,
    networks: named(NetworkAttachment),
    networkMode: Type.Optional(modes("bridge", "host", "none")),
    mounts: Type.Array(Mount, { maxItems: MAX_ENTRIES }),
    configs: Type.Array(FileMount, { maxItems: MAX_ENTRIES }),
    secrets: Type.Array(FileMount, { maxItems: MAX_ENTRIES }),
    dependsOn: named(Dependency),
    healthcheck: Type.Optional(Healthcheck),
    probe: Type.Optional(Probe),
    strategy: Type.Optional(modes("start-first", "delete-then-download")),
    restart: Restart,
    stopSignal: Type.Optional(Short),
    stopGracePeriodMs: Duration,
    init: Type.Optional(Type.Boolean()),
    tty: Type.Optional(Type.Boolean()),
    stdinOpen: Type.Optional(Type.Boolean()),
    user: Type.Optional(Short),
    groupAdd: Type.Optional(Shorts),
    workingDir: Type.Optional(Short),
    hostname: Type.Optional(Short),
    domainname: Type.Optional(Short),
    dns: Type.Optional(Shorts),
    dnsOptions: Type.Optional(Shorts),
    dnsSearch: Type.Optional(Shorts),
    extraHosts: Type.Optional(Shorts),
    sysctls: Type.Optional(TextMap),
    ulimits: Type.Optional(Type.Record(Short, Ulimit, { maxProperties: MAX_ENTRIES })),
    capAdd: Shorts,
    capDrop: Shorts,
    securityOpt: Type.Optional(Texts),
    readOnly: Type.Boolean(),
    privileged: Type.Optional(Type.Boolean()),
    devices: Type.Array(Type.Object({ source: Short, target: Short, permissions: Short }, STRICT), {
      maxItems: MAX_ENTRIES,
    }),
    tmpfs: Type.Array(Type.Object({ target: Path, options: Type.Optional(Short) }, STRICT), { maxItems: MAX_ENTRIES }),
    shmSizeBytes: Type.Optional(Bytes),
    deviceCgroupRules: Type.Optional(Shorts),
    deviceRequests: Type.Optional(Type.Array(DeviceRequest, { maxItems: 50 })),
    pidMode: Type.Optional(modes("host")),
    ipcMode: Type.Optional(modes("host", "private", "shareable", "none")),
    utsMode: Type.Optional(Type.Literal("host")),
    usernsMode: Type.Optional(Type.Literal("host")),
    cgroupMode: Type.Optional(Type.Enum(["host", "private"])),
    cgroupParent: Type.Optional(Short),
    runtime: Type.Optional(Short),
    annotations: Type.Optional(TextMap),
    postStart: Type.Optional(Hooks),
    preStop: Type.Optional(Hooks),
    resources: Resources,
    replicas: Type.Integer({ minimum: 0, maximum: 100 }),
    logging: Type.Optional(Type.Object({ driver: Short, options: TextMap }, STRICT)),
    platform: Type.Optional(Short),
  },
  STRICT,
);

const AddressPool = Type.Object(
  {
    subnet: Type.Optional(Short),
    ipRange: Type.Optional(Short),
    gateway: Type.Optional(Short),
    auxiliaryAddresses: Type.Optional(TextMap),
  },
  STRICT,
);

const Network = Type.Object(
  {
    driver: Type.Optional(Short),
    internal: Type.Optional(Type.Boolean()),
    driverOptions: Type.Optional(TextMap),
    attachable: Type.Optional(Type.Boolean()),
    enableIpv4: Type.Optional(Type.Boolean()),
    enableIpv6: Type.Optional(Type.Boolean()),
    subnet: Type.Optional(Short),
    gateway: Type.Optional(Short),
    ipam: Type.Optional(
      Type.Object(
        {
          driver: Type.Optional(Short),
          options: Type.Optional(TextMap),
          pools: Type.Array(AddressPool, { maxItems: 50 }),
        },
        STRICT,
      ),
    ),
    labels: Type.Optional(TextMap),
  },
  STRICT,
);

const Volume = Type.Object(
  { driver: Type.Optional(Short), driverOptions: Type.Optional(TextMap), labels: Type.Optional(TextMap) },
  STRICT,
);

const ConfigSource = Type.Union([
  Type.Object(
    {
      kind: Type.Literal("file"),
      digest: DigestText,
      sizeBytes: Type.Integer({ minimum: 0, maximum: MAX_FILE_BYTES }),
    },
    STRICT,
  ),
  Type.Object({ kind: Type.Literal("content"), content: Type.String({ maxLength: MAX_CONFIG_CONTENT }) }, STRICT),
]);

const SecretSource = Type.Object({ kind: Type.Literal("variable"), variable: VariableName }, STRICT);

/** What the device fills in: the value used when project, group and device give none, and what it is for. */
export const VariableDeclaration = Type.Object(
  { default: Type.Optional(Text), description: Type.Optional(Type.String({ maxLength: 4096 })) },
  STRICT,
);
export const VariableDeclarations = Type.Record(VariableName, VariableDeclaration, {
  maxProperties: MAX_ENTRIES,
  ...STRICT,
});

export const NormalisedAppSchema = Type.Object(
  {
    format: Type.Literal(1),
    name: AppName,
    services: Type.Record(Name, Service, { minProperties: 1, maxProperties: MAX_SERVICES, ...STRICT }),
    networks: named(Network, MAX_SERVICES),
    volumes: named(Volume),
    configs: named(ConfigSource),
    secrets: named(SecretSource),
    variables: VariableDeclarations,
  },
  STRICT,
);
