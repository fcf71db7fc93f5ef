import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../app.ts";
import { parseCompose } from "../parse.ts";
import { formatProblem } from "../problem.ts";
import { SERVICE_CASES } from "./service.cases.ts";
import { SERVICE_FIELDS } from "./service.ts";

/** A file in which `web` has the case's fields and everything that they may name. */
function fileOf(yaml: string): string {
  const fields = yaml.startsWith("{") ? `<<: ${yaml}` : yaml;
  return `
name: shop
x-flotilla: { variables: { SITE: , PORT: , DIR: , TTY: } }
services:
  web:
    image: team/web:1
    ${fields}
  db: { image: team/db, ipc: shareable }
networks: { back: { ipam: { config: [{ subnet: 10.0.0.0/24 }] } } }
volumes: { data: }
configs: { motd: { content: hello } }
secrets: { token: { external: true } }
`;
}

async function serviceOf(yaml: string): Promise<Service> {
  const files = [{ path: "compose.yaml", text: fileOf(yaml) }];
  const result = await parseCompose({ files, env: { FIXED: "f$1", THREE: "3" }, read: async () => undefined });
  assert.ok(result.app !== undefined, result.problems.map(formatProblem).join("\n"));
  return result.app.services["web"]!;
}

for (const [yaml, expected] of SERVICE_CASES) {
  test(`reads ${yaml.slice(0, 100)}`, async () => {
    const service = await serviceOf(yaml);
    const actual = Object.fromEntries(Object.keys(expected).map((key) => [key, service[key as keyof Service]]));
    assert.deepEqual(actual, expected);
  });
}

test("what a service does not say is written out", async () => {
  assert.deepEqual(await serviceOf("x-nothing: 1"), {
    image: "team/web:1",
    environment: {},
    labels: {},
    ports: [],
    expose: [],
    networks: { default: {} },
    mounts: [],
    configs: [],
    secrets: [],
    dependsOn: {},
    restart: { policy: "no" },
    stopGracePeriodMs: 10_000,
    capAdd: [],
    capDrop: [],
    readOnly: false,
    devices: [],
    tmpfs: [],
    resources: {},
    replicas: 1,
  });
});

test("every field that is honoured has a case", () => {
  const text = SERVICE_CASES.map(([yaml]) => yaml).join("\n");
  const elsewhere = new Set(["image", "env_file", "label_file", "extends", "profiles", "build"]);
  for (const field of Object.keys(SERVICE_FIELDS.readers))
    assert.ok(elsewhere.has(field) || new RegExp(`(?:^|[\\n{ ])${field}:`).test(text), `no case for ${field}`);
});
