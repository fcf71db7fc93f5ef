// The files of packages/compose/fixtures/config, read by us and by the real `docker compose config`. What that writes is in long form with
// every name resolved; reading it again has to give the same application as reading the file itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { canonicalJson } from "@flotilla/base/canonical-json";
import type { NormalisedApp, Service } from "@flotilla/compose/app";
import { parseCompose } from "@flotilla/compose/parse";
import { formatProblem } from "@flotilla/compose/problem";
import { DIFFERENCES, FIELD_DIFFERENCES } from "./compose-config.differences.ts";

const COMPOSE = process.env.FLOTILLA_TEST_COMPOSE;
const FOLDER = fileURLToPath(new URL("../../packages/compose/fixtures/config/", import.meta.url));
/** What the cases read; no cases themselves. */
const SHARED = "files";

interface Case {
  readonly name: string;
  readonly folder: string;
  /** Compose files, later ones over earlier ones. */
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly profiles: readonly string[];
}

/** `NAME.yaml`, or a folder with `compose.yaml` and `override.yaml`. The first lines may say `# env: A=1 B=2` and `# profiles: a b`. */
function readCase(entry: string): Case {
  const alone = entry.endsWith(".yaml");
  const folder = alone ? FOLDER : join(FOLDER, entry);
  const files = alone ? [entry] : ["compose.yaml", "override.yaml"].filter((name) => existsSync(join(folder, name)));
  const text = readFileSync(join(folder, files[0]!), "utf8");
  const words = (key: string) => new RegExp(`^# ${key}: (.*)$`, "m").exec(text)?.[1]?.split(" ") ?? [];
  const env = Object.fromEntries(words("env").map((pair) => pair.split("=") as [string, string]));
  return { name: entry.replace(/\.yaml$/, ""), folder, files, env, profiles: words("profiles") };
}

async function readApp(of: Case, files: readonly { readonly path: string; readonly text: string }[]) {
  const { env, profiles } = of;
  const read = async (path: string) => {
    const at = isAbsolute(path) ? path : join(of.folder, path);
    return existsSync(at) ? readFileSync(at) : undefined;
  };
  const { app, problems } = await parseCompose({ files, env, profiles, read });
  assert.ok(app !== undefined, problems.map(formatProblem).join("\n"));
  return app;
}

interface Config {
  readonly services: Readonly<Record<string, { deploy?: Record<string, unknown> }>>;
  readonly [section: string]: unknown;
}

/** What compose itself makes of the case. */
function configOf({ folder, files, env, profiles }: Case): Config {
  const names = files.flatMap((file) => ["-f", file]);
  const active = profiles.flatMap((profile) => ["--profile", profile]);
  const output = execFileSync(COMPOSE!, [...names, ...active, "config", "--format", "json"], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return JSON.parse(output.toString()) as Config;
}

/** Without the names that compose gives to everything, and empty parts that it adds. */
function withoutAdditions(config: Config): Config {
  for (const section of ["networks", "volumes", "configs", "secrets"])
    for (const element of Object.values(
      (config[section] ?? {}) as Record<string, { name?: string; external?: boolean }>,
    ))
      if (element.external !== true) delete element.name;
  for (const { deploy } of Object.values(config.services))
    if (deploy !== undefined && Object.keys((deploy["placement"] ?? {}) as object).length === 0)
      delete deploy["placement"];
  return config;
}

type Json = Readonly<Record<string, unknown>>;

/** Values that stand in both without being read twice: what compose wrote, and the member that it has to equal. `$$` is the same in both. */
const DIRECT: readonly (readonly [
  field: string,
  ours: (service: Service) => unknown,
  as?: (theirs: unknown) => unknown,
])[] = [
  ["image", ({ image }) => image],
  ["command", ({ command }) => command],
  ["entrypoint", ({ entrypoint }) => entrypoint],
  ["hostname", ({ hostname }) => hostname],
  ["user", ({ user }) => user],
  ["working_dir", ({ workingDir }) => workingDir],
  ["labels", ({ labels }) => labels],
  ["annotations", ({ annotations }) => annotations],
  ["sysctls", ({ sysctls }) => sysctls],
  ["cap_add", ({ capAdd }) => capAdd],
  ["cap_drop", ({ capDrop }) => capDrop],
  ["dns", ({ dns }) => dns],
  ["extra_hosts", ({ extraHosts }) => extraHosts],
  ["group_add", ({ groupAdd }) => groupAdd],
  ["privileged", ({ privileged }) => privileged],
  ["init", ({ init }) => init],
  ["runtime", ({ runtime }) => runtime],
  ["platform", ({ platform }) => platform],
  ["mem_limit", ({ resources }) => resources.memoryBytes, Number],
  ["mem_reservation", ({ resources }) => resources.memoryReservationBytes, Number],
  ["memswap_limit", ({ resources }) => resources.memorySwapBytes, Number],
  ["shm_size", ({ shmSizeBytes }) => shmSizeBytes, Number],
  ["cpus", ({ resources }) => resources.cpus],
  ["cpuset", ({ resources }) => resources.cpuset],
  ["cpu_quota", ({ resources }) => resources.cpuQuotaUs, Number],
  ["oom_score_adj", ({ resources }) => resources.oomScoreAdj],
  ["pids_limit", ({ resources }) => resources.pids],
  ["scale", ({ replicas }) => replicas],
  ["device_cgroup_rules", ({ deviceCgroupRules }) => deviceCgroupRules],
  [
    "tmpfs",
    ({ tmpfs }) => tmpfs.map(({ target, options }) => (options === undefined ? target : `${target}:${options}`)),
  ],
  ["ports", ({ ports }) => ports.map(({ target, published, protocol }) => ({ target, published, protocol })), portsOf],
  ["environment", ({ environment }) => environment, (theirs) => withDeviceNames(theirs as Json)],
];

function portsOf(theirs: unknown): unknown {
  return (theirs as Json[]).map(({ target, published, protocol }) => ({ target, published, protocol }));
}

/** A key without a value is the device's. */
function withDeviceNames(environment: Json): Json {
  return Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, value ?? `$${"{"}${key}}`]));
}

const plain = (app: NormalisedApp): unknown => JSON.parse(canonicalJson(app));
const cases = readdirSync(FOLDER)
  .filter((entry) => entry !== SHARED)
  .map(readCase);
const skip = COMPOSE === undefined ? "FLOTILLA_TEST_COMPOSE does not say where docker compose is" : false;

for (const one of cases)
  test(`reads ${one.name} as docker compose does`, { skip }, async () => {
    const ours = await readApp(
      one,
      one.files.map((path) => ({ path, text: readFileSync(join(one.folder, path), "utf8") })),
    );
    const config = withoutAdditions(configOf(one));
    const text = JSON.stringify(config);
    const theirs = await readApp(one, [{ path: "config.json", text }]);
    const difference = DIFFERENCES[one.name];
    if (difference === undefined) {
      assert.deepEqual(plain(ours), plain(theirs));
      assert.deepEqual(Object.keys(ours.services).toSorted(), Object.keys(config.services).toSorted());
      for (const [name, service] of Object.entries(config.services))
        for (const [field, member, as = (value: unknown) => value] of DIRECT) {
          const value = (service as Json)[field];
          if (value === undefined || value === null) continue;
          const differs = FIELD_DIFFERENCES[`${one.name} ${name}.${field}`];
          const compare = differs === undefined ? assert.deepEqual : assert.notDeepEqual;
          compare(member(ours.services[name]!), as(value), `${name}.${field} ${differs ?? ""}`);
        }
    }
    if (difference !== undefined) {
      assert.notDeepEqual(plain(ours), plain(theirs), "there is no difference any more");
      assert.deepEqual(plain(difference.asOurs(theirs)), plain(ours), difference.reason);
    }
  });

test("there are enough cases, and every difference is of one", () => {
  assert.ok(cases.length >= 80, `${cases.length} cases`);
  const names = cases.map(({ name }) => name);
  for (const [name, { reason }] of Object.entries(DIFFERENCES)) {
    assert.ok(names.includes(name), name);
    assert.ok(reason.length > 20, name);
  }
});
