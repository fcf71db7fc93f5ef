// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../app.ts";
import { parseCompose } from "../parse.ts";
import { formatProblem } from "../problem.ts";

type Texts = Readonly<Record<string, string>>;

/** Reads `compose.yaml` and, over it, `override.yaml` where there is one; other files are those that they bring in. */
async function load(texts: Texts, profiles: readonly string[] = []) {
  const roots = ["compose.yaml", "override.yaml"].filter((path) => texts[path] !== undefined);
  return parseCompose({
    files: roots.map((path) => ({ path, text: texts[path] ?? "" })),
    env: { SITE: "oslo", FILE: "base" },
    read: async (path) => (texts[path] === undefined ? undefined : new TextEncoder().encode(texts[path])),
    projectName: "shop",
    profiles,
  });
}

const web = (fields: string) => `services: { web: { image: a, ${fields} } }`;

const MERGED: readonly (readonly [what: string, texts: Texts, expected: Partial<Service>])[] = [
  [
    "an environment by names, also without a value",
    {
      "compose.yaml": web("environment: { A: 1, B: 2, C: 3 }"),
      "override.yaml": web("environment: ['B=x=${SITE}', 'D=$$5', C]"),
    },
    { environment: { A: "1", B: "x=oslo", C: "${C}", D: "$$5" } },
  ],
  [
    "ports and lists appended, the same port once",
    {
      "compose.yaml": web("ports: ['80:80'], security_opt: [a:1], cap_add: [X]"),
      "override.yaml": web("ports: [{ target: 80, published: 80 }, '81:81'], security_opt: [a:1], cap_add: [X, Y]"),
    },
    {
      ports: [
        { target: 80, published: "80", protocol: "tcp" },
        { target: 81, published: "81", protocol: "tcp" },
      ],
      securityOpt: ["a:1", "a:1"],
      capAdd: ["X", "Y"],
    },
  ],
  [
    "mounts by target, in their place",
    {
      "compose.yaml": web("volumes: ['/a:/x', '/b:/y'], tmpfs: '/t:size=1m'"),
      "override.yaml": web("volumes: [{ type: bind, source: /c, target: /x }], tmpfs: ['/t:size=2m', /u]"),
    },
    {
      mounts: [
        { kind: "bind", source: "/c", target: "/x", readOnly: false },
        { kind: "bind", source: "/b", target: "/y", readOnly: false },
      ],
      tmpfs: [{ target: "/t", options: "size=2m" }, { target: "/u" }],
    },
  ],
  [
    "hosts, and a single value with a list",
    {
      "compose.yaml": web("extra_hosts: ['a:10.0.0.1'], dns: 10.0.0.1"),
      "override.yaml": web("extra_hosts: { a: 10.0.0.1, b: 10.0.0.2 }, dns: [10.0.0.2]"),
    },
    { extraHosts: ["a=10.0.0.1", "b=10.0.0.2"], dns: ["10.0.0.1", "10.0.0.2"] },
  ],
  [
    "options of the same logging driver, and of no other",
    {
      "compose.yaml": web("logging: { driver: local, options: { max-size: 1m } }"),
      "override.yaml": web("logging: { driver: journald, options: { tag: x } }"),
    },
    { logging: { driver: "journald", options: { tag: "x" } } },
  ],
  [
    "!reset takes away and !override replaces",
    {
      "compose.yaml": web("ports: ['80:80'], environment: { A: 1, B: 2 }, command: x, labels: { a: b }"),
      "override.yaml":
        "services:\n  web:\n    ports: !override ['81:81']\n    environment: { A: !reset null }\n    command: !reset null\n    labels: !reset {}\n",
    },
    { ports: [{ target: 81, published: "81", protocol: "tcp" }], environment: { B: "2" }, labels: {} },
  ],
];
for (const [what, texts, expected] of MERGED)
  test(`merges ${what}`, async () => {
    const result = await load(texts);
    assert.ok(result.app !== undefined, result.problems.map(formatProblem).join("\n"));
    const service = result.app.services["web"]!;
    assert.deepEqual(
      Object.fromEntries(Object.keys(expected).map((key) => [key, service[key as keyof Service]])),
      expected,
    );
  });

test("extends a service of the file, and of another with its paths and its own base", async () => {
  const { app, problems } = await load({
    "compose.yaml": `
services:
  web: { extends: { file: "common/\${FILE}.yaml", service: web }, environment: { B: own } }
  two: { extends: web, image: !reset null, command: two }
  three: { extends: { service: web }, image: c, env_file: !reset [] }
`.replace("image: !reset null, ", ""),
    "common/base.yaml": `
services:
  web: { extends: root, environment: { A: base, B: base, S: "\${SITE}" }, env_file: web.env }
  root: { image: b, cap_add: [X] }
  unfit: { image: "\${NOBODY}" }
`,
    "common/web.env": "FROM=file\nB=file",
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(app?.services["web"]?.environment, { FROM: "file", A: "base", B: "own", S: "oslo" });
  assert.deepEqual([app?.services["web"]?.image, app?.services["web"]?.capAdd], ["b", ["X"]]);
  assert.deepEqual(app?.services["two"]?.command, ["two"]);
  assert.deepEqual(app?.services["three"]?.environment, { A: "base", B: "own", S: "oslo" });
});

test("includes files with their own folder and environment", async () => {
  const { app, problems } = await load({
    "compose.yaml": `
include:
  - db/compose.yaml
  - { path: [mon/compose.yaml, mon/more.yaml], env_file: mon.env, project_directory: other }
x-flotilla: { variables: [ROOM] }
services: { web: { image: a, depends_on: [db], environment: { R: "\${ROOM}" } } }
`,
    "db/compose.yaml": `
services: { db: { image: "db:\${TAG}", env_file: db.env, hostname: "db-\${SITE}", environment: { R: "\${ROOM}", V: "\${VARIED}" }, volumes: ["data:/d"] } }
x-flotilla: { variables: { VARIED: low } }
volumes: { data: {} }
`,
    "db/.env": "TAG=7\nSITE=bergen",
    "db/db.env": "WHERE=${SITE}",
    "mon.env": "TAG=9",
    "mon/compose.yaml": `services: { mon: { image: "mon:\${TAG}", env_file: m.env } }`,
    "mon/more.yaml": `services: { mon: { command: more } }`,
    "other/m.env": "M=1",
  });
  assert.deepEqual(problems, []);
  assert.equal(app?.services["db"]?.image, "db:7");
  assert.equal(app?.services["db"]?.hostname, "db-oslo", "the environment wins over the included .env");
  assert.deepEqual(app?.services["db"]?.environment, { WHERE: "oslo", R: "${ROOM}", V: "${VARIED}" });
  assert.equal(app?.services["mon"]?.image, "mon:9");
  assert.deepEqual(app?.services["mon"]?.command, ["more"]);
  assert.deepEqual(app?.services["mon"]?.environment, { M: "1" });
  assert.deepEqual(app?.variables, { ROOM: {}, VARIED: { default: "low" } });
  assert.deepEqual(Object.keys(app?.volumes ?? {}), ["data"]);
});

const PROFILES =
  "services: { web: { image: a }, debug: { image: b, profiles: [dev, test] }, x: { build: ., profiles: [x] } }";
const ACTIVE: readonly (readonly [profiles: readonly string[], services: readonly string[]])[] = [
  [[], ["web"]],
  [["test"], ["web", "debug"]],
  [["other"], ["web"]],
];
for (const [profiles, services] of ACTIVE)
  test(`takes in the services of the profiles [${profiles}]`, async () => {
    const { app, warnings } = await load({ "compose.yaml": PROFILES }, profiles);
    assert.deepEqual(Object.keys(app?.services ?? {}), services);
    assert.equal(warnings.filter(({ code }) => code === "left-out").length, 3 - services.length);
  });

test("* takes in all profiles", async () => {
  const { problems } = await load({ "compose.yaml": PROFILES }, ["*"]);
  assert.deepEqual(
    problems.map(({ field }) => field),
    ["services.x.build"],
  );
});

const REFUSED: readonly (readonly [what: string, texts: Texts, told: RegExp])[] = [
  [
    "an included file that is not there",
    { "compose.yaml": `include: [no.yaml]\n${web("")}` },
    /compose\.yaml:1:11: .*no\.yaml cannot be read/,
  ],
  [
    "a circle of includes",
    { "compose.yaml": `include: [a.yaml]\n${web("")}`, "a.yaml": "include: [compose.yaml]" },
    /bring each other in/,
  ],
  [
    "an include of itself by way of another",
    { "compose.yaml": `include: [a.yaml]\n${web("")}`, "a.yaml": "include: [b.yaml]", "b.yaml": "include: [a.yaml]" },
    /a\.yaml → b\.yaml → a\.yaml bring each other in/,
  ],
  [
    "a remote include",
    { "compose.yaml": `include: ['https://example.org/c.yaml']\n${web("")}` },
    /only files of this machine/,
  ],
  [
    "an include that is another service",
    { "compose.yaml": `include: [a.yaml]\n${web("")}`, "a.yaml": "services: { web: { image: other } }" },
    /services\.web stands here too/,
  ],
  ["an include without path", { "compose.yaml": `include: [{ env_file: x }]\n${web("")}` }, /an include needs path/],
  [
    "a service that extends itself",
    { "compose.yaml": web("extends: web") },
    /compose\.yaml: web → compose\.yaml: web bring each other in/,
  ],
  ["a base that is not there", { "compose.yaml": web("extends: nobody") }, /there is no service "nobody" to extend/],
  [
    "a base that is not in its file",
    { "compose.yaml": web("extends: { file: b.yaml, service: x }"), "b.yaml": web("") },
    /there is no service "x" in b\.yaml/,
  ],
  [
    "an unknown field of extends",
    { "compose.yaml": web("extends: { service: web, files: b }") },
    /unknown field files: did you mean file/,
  ],
  [
    "what a base has that cannot be honoured, at its place",
    {
      "compose.yaml": "services: { web: { extends: { file: b.yaml, service: x } } }",
      "b.yaml": "services:\n  x:\n    image: b\n    container_name: c",
    },
    /b\.yaml:4:5: services\.x\.container_name/,
  ],
  [
    "a dependency that the profiles leave out",
    { "compose.yaml": "services: { web: { image: a, depends_on: [db] }, db: { image: b, profiles: [p] } }" },
    /left out by its profiles: take them in with --profile/,
  ],
  [
    "a list over a mapping",
    { "compose.yaml": web("deploy: { replicas: 2 }"), "override.yaml": web("deploy: [1]") },
    /cannot be merged over the map of compose\.yaml/,
  ],
];
for (const [what, texts, told] of REFUSED)
  test(`refuses ${what}`, async () => {
    const { app, problems } = await load(texts);
    assert.equal(app, undefined);
    assert.match(problems.map(formatProblem).join("\n"), told);
  });

test("files that include each other twice over and over end as a problem", async () => {
  const levels = Array.from({ length: 18 }, (_, at) => [`f${at}.yaml`, `include: [f${at + 1}.yaml, f${at + 1}.yaml]`]);
  const texts = {
    "compose.yaml": `include: [f0.yaml]\n${web("")}`,
    ...Object.fromEntries(levels),
    "f18.yaml": "services: {}",
  };
  const { problems } = await load(texts);
  assert.match(problems.map(formatProblem).join(), /files are included more than 200 times/);
});
