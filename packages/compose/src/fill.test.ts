// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NormalisedApp } from "./app.ts";
import { fillVariables } from "./fill.ts";
import { parseCompose } from "./parse.ts";
import { requiredVariables } from "./variables.ts";

const TEXT = `
name: shop
x-flotilla:
  variables:
    SITE: { description: where it stands }
    PORT: 8080
    MODE:
    UNUSED:
services:
  web:
    image: team/web
    command: [serve, "\${SITE}", "cost: $$5", "$FIXED"]
    ports: ["\${PORT}:80"]
    volumes: ["\${DIR:-/srv}/data:/data"]
    environment: { MODE: "\${MODE:-slow}", KEY: , STRICT: "\${SITE:?tell where}" }
    configs: [motd]
    secrets: [db-password]
configs:
  motd: { content: "at \${SITE}" }
secrets:
  db-password: { file: ./never-read }
`.replace("UNUSED:", "UNUSED:\n    DIR:");

async function app(): Promise<NormalisedApp> {
  const files = [{ path: "compose.yaml", text: TEXT }];
  const result = await parseCompose({
    files,
    env: { FIXED: "a$b", db_password: "hunter2" },
    read: async () => undefined,
  });
  assert.deepEqual(result.problems, []);
  assert.deepEqual(
    result.warnings.map((warning) => warning.message),
    ["the variable UNUSED is used nowhere"],
  );
  return result.app!;
}

test("variables without a default are required, and no others", async () => {
  const { variables } = await app();
  assert.deepEqual(requiredVariables({ variables }), ["KEY", "SITE", "db_password"]);
  assert.deepEqual(variables["SITE"], { description: "where it stands" });
  assert.deepEqual(variables["PORT"], { default: "8080" });
  assert.deepEqual(variables["MODE"], { default: "" }, "its only use brings a fallback");
});

test("a device's values fill every text, and dollars become dollars", async () => {
  const values = { SITE: "oslo", KEY: "k$1", db_password: "s3cret", MODE: "", PORT: "81" };
  const filled = fillVariables(await app(), values);
  assert.ok(filled.kind === "filled");
  const web = filled.app.services["web"]!;
  assert.deepEqual(web.command, ["serve", "oslo", "cost: $5", "a$b"]);
  assert.equal(web.ports[0]?.published, "81");
  assert.deepEqual(web.mounts, [{ kind: "bind", source: "/srv/data", target: "/data", readOnly: false }]);
  assert.deepEqual(web.environment, { MODE: "slow", KEY: "k$1", STRICT: "oslo" });
  assert.deepEqual(filled.app.configs["motd"], { kind: "content", content: "at oslo" });
  assert.deepEqual(filled.secrets, { "db-password": "s3cret" });
});

test("missing names are told, all of them, with their fields", async () => {
  const filled = fillVariables(await app(), { db_password: "x" });
  assert.ok(filled.kind === "refused");
  const told = filled.problems.map((problem) => `${problem.code} ${problem.name} ${problem.field}`);
  assert.deepEqual(told.toSorted(), [
    "missing-variable KEY services.web.environment.KEY",
    "missing-variable SITE configs.motd.content",
    "missing-variable SITE services.web.command[1]",
    "missing-variable SITE services.web.environment.STRICT",
  ]);
  assert.ok(filled.problems.some((problem) => problem.message === "tell where"));
});

const BAD: readonly (readonly [name: string, value: string, field: string])[] = [
  ["PORT", "http", "services.web.ports"],
  ["PORT", "99999", "services.web.ports"],
  ["DIR", "relative", "services.web.mounts"],
  ["DIR", "/srv/../etc", "services.web.mounts"],
];
for (const [name, value, field] of BAD) {
  test(`${name}=${value} is refused without showing it`, async () => {
    const values = { SITE: "oslo", KEY: "k", db_password: "x", [name]: value };
    const filled = fillVariables(await app(), values);
    assert.ok(filled.kind === "refused");
    assert.deepEqual(
      filled.problems.map((problem) => [problem.code, problem.field]),
      [["bad-value", field]],
    );
    assert.ok(!filled.problems.some((problem) => problem.message.includes(value)));
  });
}

test("values that no text names change nothing, and inherited names are no values", async () => {
  const values = { SITE: "oslo", KEY: "k", db_password: "x" };
  const plain = fillVariables(await app(), values);
  assert.deepEqual(fillVariables(await app(), { ...values, FIXED: "other", OTHER: "x" }), plain);
  const text = TEXT.replaceAll("SITE", "constructor");
  const result = await parseCompose({ files: [{ path: "c", text }], env: { FIXED: "x" }, read: async () => undefined });
  assert.ok(requiredVariables(result.app!).includes("constructor"));
  assert.equal(fillVariables(result.app!, { KEY: "k", db_password: "x" }).kind, "refused");
});

test("a secret's value never is in the normal form, wherever it comes from", async () => {
  const text = `
name: shop
services: { web: { image: x, secrets: [a, b, c], environment: { COPY: "\${TOKEN}" } } }
secrets: { a: { environment: TOKEN }, b: { file: ./b.txt }, c: { external: true, name: other-name } }
`;
  const read = async () => new TextEncoder().encode("file-secret");
  const result = await parseCompose({ files: [{ path: "c", text }], env: { TOKEN: "env-secret" }, read });
  assert.deepEqual(result.app?.secrets, {
    a: { kind: "variable", variable: "TOKEN" },
    b: { kind: "variable", variable: "b" },
    c: { kind: "variable", variable: "other_name" },
  });
  assert.doesNotMatch(JSON.stringify(result), /env-secret|file-secret/);
});
