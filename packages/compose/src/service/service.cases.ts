// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import type { Service } from "../app.ts";

/** Fields of a service as they stand in a compose file, and what of the normal form they become. Short and long forms side by side. */
export const SERVICE_CASES: readonly (readonly [yaml: string, expected: Partial<Service>])[] = [
  ['command: serve --port 80 \'a b\' "c \\" d"', { command: ["serve", "--port", "80", "a b", 'c " d'] }],
  ["command: [serve, '$$HOME', 80]", { command: ["serve", "$$HOME", "80"] }],
  ['command: sh -c "echo ${SITE}"', { command: ["sh", "-c", "echo ${SITE}"] }],
  ["command: []", { command: [] }],
  ["entrypoint: /bin/x y", { entrypoint: ["/bin/x", "y"] }],
  [
    "environment: { A: b, N: 1, T: true, F: 1.50, E: '' }",
    { environment: { A: "b", N: "1", T: "true", F: "1.5", E: "" } },
  ],
  ["environment: [A=b=c, E=]", { environment: { A: "b=c", E: "" } }],
  ["environment: { DEV: , FIXED: $FIXED }", { environment: { DEV: "${DEV}", FIXED: "f$$1" } }],
  ["environment: [FIXED]", { environment: { FIXED: "${FIXED}" } }],
  ["labels: [a=b, c]", { labels: { a: "b", c: "" } }],
  ["labels: { a: 1 }", { labels: { a: "1" } }],
  ["ports: [80]", { ports: [{ target: 80, protocol: "tcp" }] }],
  ["ports: ['8080:80/udp']", { ports: [{ target: 80, published: "8080", protocol: "udp" }] }],
  [
    "ports: ['127.0.0.1:8080:80']",
    { ports: [{ target: 80, published: "8080", hostIp: "127.0.0.1", protocol: "tcp" }] },
  ],
  ["ports: ['127.0.0.1::80']", { ports: [{ target: 80, hostIp: "127.0.0.1", protocol: "tcp" }] }],
  ["ports: ['[::1]:8080:80']", { ports: [{ target: 80, published: "8080", hostIp: "::1", protocol: "tcp" }] }],
  ["ports: ['${PORT}:80']", { ports: [{ target: 80, published: "${PORT}", protocol: "tcp" }] }],
  ["ports: ['8000-8010:80']", { ports: [{ target: 80, published: "8000-8010", protocol: "tcp" }] }],
  [
    "ports: ['8000-8001:80-81']",
    {
      ports: [
        { target: 80, published: "8000", protocol: "tcp" },
        { target: 81, published: "8001", protocol: "tcp" },
      ],
    },
  ],
  [
    "ports: [{ target: 80, published: 8080, host_ip: 0.0.0.0, protocol: udp, mode: host, name: web }]",
    { ports: [{ target: 80, published: "8080", hostIp: "0.0.0.0", protocol: "udp" }] },
  ],
  ["expose: [80, '81/udp']", { expose: ["80", "81/udp"] }],
  ["networks: [back]", { networks: { back: {} } }],
  [
    "networks: { back: { aliases: [db], ipv4_address: 10.0.0.2 } }",
    { networks: { back: { aliases: ["db"], ipv4Address: "10.0.0.2" } } },
  ],
  ["networks: { back: }", { networks: { back: {} } }],
  ["network_mode: host", { networkMode: "host", networks: {} }],
  ["network_mode: none", { networkMode: "none", networks: {} }],
  ["init: true", { networks: { default: {} }, init: true }],
  ["volumes: [data:/data]", { mounts: [{ kind: "volume", volume: "data", target: "/data", readOnly: false }] }],
  [
    "volumes: ['data:/data:ro,nocopy']",
    { mounts: [{ kind: "volume", volume: "data", target: "/data", readOnly: true, noCopy: true }] },
  ],
  ["volumes: [/dev/shm:/shm:rw]", { mounts: [{ kind: "bind", source: "/dev/shm", target: "/shm", readOnly: false }] }],
  [
    "volumes: ['${DIR:-/srv}:/srv']",
    { mounts: [{ kind: "bind", source: "${DIR:-/srv}", target: "/srv", readOnly: false }] },
  ],
  ["volumes: [/cache]", { mounts: [{ kind: "anonymous", target: "/cache", readOnly: false }] }],
  [
    "volumes: [{ type: volume, source: data, target: /d, read_only: true, volume: { nocopy: true } }]",
    { mounts: [{ kind: "volume", volume: "data", target: "/d", readOnly: true, noCopy: true }] },
  ],
  [
    "volumes: [{ type: bind, source: /etc, target: /e, bind: { create_host_path: true } }]",
    { mounts: [{ kind: "bind", source: "/etc", target: "/e", readOnly: false }] },
  ],
  [
    "volumes: [{ type: tmpfs, target: /t, tmpfs: { size: 1m } }]",
    { mounts: [{ kind: "tmpfs", target: "/t", sizeBytes: 1048576 }] },
  ],
  ["configs: [motd]", { configs: [{ source: "motd", target: "/motd" }] }],
  [
    "configs: [{ source: motd, target: /etc/motd, uid: 1, gid: '2', mode: 0440 }]",
    { configs: [{ source: "motd", target: "/etc/motd", uid: "1", gid: "2", mode: 0o440 }] },
  ],
  ["configs: [{ source: motd, mode: '0400' }]", { configs: [{ source: "motd", target: "/motd", mode: 0o400 }] }],
  ["configs: [{ source: motd, mode: 288 }]", { configs: [{ source: "motd", target: "/motd", mode: 0o440 }] }],
  ["secrets: [token]", { secrets: [{ source: "token", target: "/run/secrets/token" }] }],
  ["secrets: [{ source: token, target: t }]", { secrets: [{ source: "token", target: "/run/secrets/t" }] }],
  ["depends_on: [db]", { dependsOn: { db: { condition: "service_started", required: true, restart: false } } }],
  [
    "depends_on: { db: { condition: service_healthy, restart: true, required: false } }",
    { dependsOn: { db: { condition: "service_healthy", required: false, restart: true } } },
  ],
  [
    "healthcheck: { test: curl -f x, interval: 1m30s }",
    { healthcheck: { test: ["CMD-SHELL", "curl -f x"], intervalMs: 90_000 } },
  ],
  [
    "healthcheck: { test: [CMD, x], timeout: 500ms, start_period: 1h, start_interval: 1s, retries: 5 }",
    {
      healthcheck: { test: ["CMD", "x"], timeoutMs: 500, startPeriodMs: 3_600_000, startIntervalMs: 1000, retries: 5 },
    },
  ],
  ["healthcheck: { test: [NONE] }", { healthcheck: { test: ["NONE"] } }],
  ["healthcheck: { disable: true }", { healthcheck: { test: ["NONE"] } }],
  ["healthcheck: { interval: 5s }", { healthcheck: { test: [], intervalMs: 5000 } }],
  [
    "x-flotilla: { probe: { http: { port: 80, path: /up, status: 204 }, deadline: 10s } }",
    { probe: { kind: "http", port: 80, path: "/up", expectStatus: 204, deadlineMs: 10_000 } },
  ],
  ["x-flotilla: { strategy: start-first }", { strategy: "start-first" }],
  ["x-flotilla: { strategy: recreate }", {}],
  ["x-flotilla: { strategy: delete-then-download }", { strategy: "delete-then-download" }],
  ["labels: { io.flotilla.strategy: delete-then-download }", { strategy: "delete-then-download" }],
  ["labels: { io.flotilla.strategy: start-first, a: b }", { strategy: "start-first", labels: { a: "b" } }],
  [
    "x-flotilla: { probe: { http: { port: 80 } } }",
    { probe: { kind: "http", port: 80, path: "/", deadlineMs: 120_000 } },
  ],
  ["x-flotilla: { probe: { tcp: 5432 } }", { probe: { kind: "tcp", port: 5432, deadlineMs: 120_000 } }],
  ["x-flotilla: { probe: { tcp: { port: 5432 } } }", { probe: { kind: "tcp", port: 5432, deadlineMs: 120_000 } }],
  [
    "x-flotilla: { probe: { exec: test -f /ok } }",
    { probe: { kind: "exec", command: ["test", "-f", "/ok"], deadlineMs: 120_000 } },
  ],
  [
    "x-flotilla: { probe: { exec: [test, -f, /ok] } }",
    { probe: { kind: "exec", command: ["test", "-f", "/ok"], deadlineMs: 120_000 } },
  ],
  [
    "x-flotilla: { probe: { stable-for: 30s } }",
    { probe: { kind: "stable-for", stableMs: 30_000, deadlineMs: 150_000 } },
  ],
  ["restart: no", { restart: { policy: "no" } }],
  ["restart: on-failure:3", { restart: { policy: "on-failure", maxRetries: 3 } }],
  ["restart: unless-stopped", { restart: { policy: "unless-stopped" } }],
  ["stop_signal: SIGINT", { stopSignal: "SIGINT", stopGracePeriodMs: 10_000 }],
  ["stop_grace_period: 1m", { stopGracePeriodMs: 60_000 }],
  ["tty: 'yes'", { tty: true }],
  ["stdin_open: false", { stdinOpen: false }],
  ["user: 1000:1000", { user: "1000:1000" }],
  ["user: 1000", { user: "1000" }],
  ["group_add: [video, 44]", { groupAdd: ["video", "44"] }],
  ["working_dir: /srv", { workingDir: "/srv" }],
  ["hostname: box-${SITE}", { hostname: "box-${SITE}" }],
  ["dns: 10.0.0.1", { dns: ["10.0.0.1"] }],
  ["dns: [10.0.0.1, 10.0.0.2]", { dns: ["10.0.0.1", "10.0.0.2"] }],
  ["extra_hosts: ['a:10.0.0.1', b=host-gateway]", { extraHosts: ["a=10.0.0.1", "b=host-gateway"] }],
  ["extra_hosts: { a: 10.0.0.1 }", { extraHosts: ["a=10.0.0.1"] }],
  ["extra_hosts: { a: [10.0.0.1, 10.0.0.2] }", { extraHosts: ["a=10.0.0.1", "a=10.0.0.2"] }],
  ["sysctls: { net.core.somaxconn: 1024 }", { sysctls: { "net.core.somaxconn": "1024" } }],
  ["sysctls: [net.core.somaxconn=1024]", { sysctls: { "net.core.somaxconn": "1024" } }],
  [
    "ulimits: { nproc: 10, nofile: { soft: 1, hard: 2 } }",
    { ulimits: { nproc: { soft: 10, hard: 10 }, nofile: { soft: 1, hard: 2 } } },
  ],
  ["cap_add: [NET_ADMIN]", { capAdd: ["NET_ADMIN"] }],
  ["cap_drop: [ALL]", { capDrop: ["ALL"] }],
  ["security_opt: [no-new-privileges:true]", { securityOpt: ["no-new-privileges:true"] }],
  ["read_only: true", { readOnly: true }],
  ["privileged: true", { privileged: true }],
  ["devices: [/dev/ttyUSB0]", { devices: [{ source: "/dev/ttyUSB0", target: "/dev/ttyUSB0", permissions: "rwm" }] }],
  ["devices: ['/dev/a:/dev/b:r']", { devices: [{ source: "/dev/a", target: "/dev/b", permissions: "r" }] }],
  [
    "devices: ['${TTY:-/dev/a}:/dev/b']",
    { devices: [{ source: "${TTY:-/dev/a}", target: "/dev/b", permissions: "rwm" }] },
  ],
  [
    "devices: [{ source: /dev/a, permissions: rw }]",
    { devices: [{ source: "/dev/a", target: "/dev/a", permissions: "rw" }] },
  ],
  ["tmpfs: /tmp", { tmpfs: [{ target: "/tmp" }] }],
  [
    "tmpfs: ['/run:size=64m,mode=755', /tmp]",
    { tmpfs: [{ target: "/run", options: "size=64m,mode=755" }, { target: "/tmp" }] },
  ],
  ["shm_size: 64m", { shmSizeBytes: 67_108_864 }],
  ["shm_size: 1000", { shmSizeBytes: 1000 }],
  ["pid: host", { pidMode: "host" }],
  ["ipc: shareable", { ipcMode: "shareable" }],
  ["mem_limit: 1.5g", { resources: { memoryBytes: 1_610_612_736 } }],
  [
    "{ cpus: 0.5, pids_limit: 100, mem_reservation: 64m }",
    { resources: { cpus: 0.5, pids: 100, memoryReservationBytes: 67_108_864 } },
  ],
  [
    "deploy: { replicas: 2, resources: { limits: { cpus: '1.5', memory: 1g, pids: 5 }, reservations: { memory: 512m } } }",
    {
      replicas: 2,
      resources: { cpus: 1.5, memoryBytes: 1_073_741_824, pids: 5, memoryReservationBytes: 536_870_912 },
    },
  ],
  ["deploy:", { resources: {}, replicas: 1 }],
  ["scale: 3", { replicas: 3 }],
  ["scale: ${THREE}", { replicas: 3 }],
  [
    "logging: { driver: local, options: { max-size: 1m } }",
    { logging: { driver: "local", options: { "max-size": "1m" } } },
  ],
  ["logging: { options: { max-file: 3 } }", { logging: { driver: "json-file", options: { "max-file": "3" } } }],
  ["platform: linux/arm/v7", { platform: "linux/arm/v7" }],
  [
    "network_mode: service:db",
    {
      networkMode: "service:db",
      networks: {},
      dependsOn: { db: { condition: "service_started", required: true, restart: true } },
    },
  ],
  ["pid: service:db", { pidMode: "service:db", networks: { default: {} } }],
  ["ipc: service:db", { ipcMode: "service:db" }],
  [
    "{ ipc: service:db, depends_on: { db: { condition: service_healthy } } }",
    { dependsOn: { db: { condition: "service_healthy", required: true, restart: false } } },
  ],
  ["networks: {}", { networks: { default: {} } }],
  [
    "networks: { back: { driver_opts: { a: 1 }, priority: 10, gw_priority: 1, link_local_ips: [169.254.1.1] } }",
    {
      networks: {
        back: { driverOptions: { a: "1" }, priority: 10, gatewayPriority: 1, linkLocalIps: ["169.254.1.1"] },
      },
    },
  ],
  [
    "networks: { back: { mac_address: '02:42:ac:11:00:02', interface_name: eth9 } }",
    { networks: { back: { macAddress: "02:42:ac:11:00:02", interfaceName: "eth9" } } },
  ],
  ["links: [db]", { dependsOn: { db: { condition: "service_started", required: true, restart: true } } }],
  ["uts: host", { utsMode: "host" }],
  ["userns_mode: host", { usernsMode: "host" }],
  ["cgroup: private", { cgroupMode: "private" }],
  ["cgroup_parent: apps.slice", { cgroupParent: "apps.slice" }],
  ["runtime: runsc", { runtime: "runsc" }],
  ["annotations: { a: 1 }", { annotations: { a: "1" } }],
  ["annotations: [a=b]", { annotations: { a: "b" } }],
  ["domainname: example.org", { domainname: "example.org" }],
  ["dns_opt: [ndots:1]", { dnsOptions: ["ndots:1"] }],
  ["dns_search: example.org", { dnsSearch: ["example.org"] }],
  ["device_cgroup_rules: ['c 1:3 rwm']", { deviceCgroupRules: ["c 1:3 rwm"] }],
  ["gpus: all", { deviceRequests: [{ count: -1, capabilities: ["gpu"] }] }],
  [
    "gpus: [{ driver: nvidia, device_ids: ['0'], capabilities: [utility], options: { a: b } }]",
    {
      deviceRequests: [{ driver: "nvidia", deviceIds: ["0"], capabilities: ["utility", "gpu"], options: { a: "b" } }],
    },
  ],
  [
    "deploy: { resources: { reservations: { devices: [{ capabilities: [gpu], count: 2 }] } } }",
    { deviceRequests: [{ count: 2, capabilities: ["gpu"] }] },
  ],
  [
    "{ mem_limit: 64m, memswap_limit: 128m, mem_swappiness: 0, oom_kill_disable: true, oom_score_adj: -500 }",
    {
      resources: {
        memoryBytes: 67_108_864,
        memorySwapBytes: 134_217_728,
        memorySwappiness: 0,
        oomKillDisable: true,
        oomScoreAdj: -500,
      },
    },
  ],
  ["{ mem_limit: 64m, memswap_limit: -1 }", { resources: { memoryBytes: 67_108_864, memorySwapBytes: -1 } }],
  [
    "{ cpuset: '0-1,3', cpu_shares: 512, cpu_quota: 50000, cpu_period: 100000 }",
    { resources: { cpuset: "0-1,3", cpuShares: 512, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000 } },
  ],
  [
    "{ cpu_rt_period: 1400us, cpu_rt_runtime: 400ms }",
    { resources: { cpuRealtimePeriodUs: 1400, cpuRealtimeRuntimeUs: 400_000 } },
  ],
  ["pull_policy: every_12h", {}],
  [
    "post_start: [{ command: ./migrate --all, user: root, privileged: true, working_dir: /app, environment: [A=b, SITE] }]",
    {
      postStart: [
        {
          command: ["./migrate", "--all"],
          user: "root",
          privileged: true,
          workingDir: "/app",
          environment: { A: "b", SITE: "${SITE}" },
        },
      ],
    },
  ],
  ["pre_stop: [{ command: [./drain] }]", { preStop: [{ command: ["./drain"] }] }],
  [
    "volumes: ['/a:/a:ro,z,rshared']",
    { mounts: [{ kind: "bind", source: "/a", target: "/a", readOnly: true, selinux: "z", propagation: "rshared" }] },
  ],
  [
    "volumes: [{ type: bind, source: /a, target: /a/, bind: { create_host_path: false, recursive: readonly } }]",
    {
      mounts: [
        { kind: "bind", source: "/a", target: "/a", readOnly: false, createHostPath: false, recursive: "readonly" },
      ],
    },
  ],
  [
    "volumes: [{ type: volume, source: data, target: /d, volume: { subpath: a/b } }]",
    { mounts: [{ kind: "volume", volume: "data", target: "/d", readOnly: false, subpath: "a/b" }] },
  ],
  [
    "volumes: [{ type: tmpfs, target: /t, tmpfs: { size: 1m, mode: 01777 } }]",
    { mounts: [{ kind: "tmpfs", target: "/t", sizeBytes: 1_048_576, mode: 0o1777 }] },
  ],
  ["security_opt: [seccomp=unconfined]", { securityOpt: ["seccomp=unconfined"] }],
];
