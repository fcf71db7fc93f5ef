// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is compose interpolation.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { canonicalJson } from "@flotilla/base/canonical-json";
import { parseCompose } from "./parse.ts";
import { appProblems } from "./validate.ts";

const FOLDER = new URL("../fixtures/shop/", import.meta.url);

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(new URL(path, FOLDER));
  } catch {
    return undefined;
  }
}

async function shop(...names: readonly string[]) {
  const files = [];
  for (const path of names) files.push({ path, text: new TextDecoder().decode(await read(path)) });
  const result = await parseCompose({
    files,
    env: { WEB_VERSION: "1.2", SHOP: "corner", SERIAL: "of-this-machine" },
    read,
  });
  assert.deepEqual(result.problems, []);
  assert.ok(result.app !== undefined);
  return { ...result, app: result.app };
}

test("a whole application in its normal form", async () => {
  const { app, images, files, warnings } = await shop("compose.yaml");
  assert.equal(app.name, "shop");
  assert.deepEqual(images, ["team/db:7", "team/web:1.2"]);
  assert.deepEqual(Object.keys(app.services), ["web", "db"]);
  const { web, db } = app.services;
  assert.deepEqual(web?.command, ["serve", "--site", "${SITE}"]);
  assert.deepEqual(web?.environment, { TITLE: "The corner shop", LOG: "info", SERIAL: "${SERIAL}" });
  assert.deepEqual(web?.logging, { driver: "json-file", options: { "max-size": "5m" } });
  assert.deepEqual(db?.restart, { policy: "unless-stopped" });
  assert.deepEqual(app.networks, { back: { internal: true }, default: {} });
  assert.deepEqual(app.volumes, { data: {}, cache: {} });
  assert.deepEqual(app.secrets, { "db-password": { kind: "variable", variable: "db_password" } });
  assert.deepEqual(app.variables, {
    SITE: { description: "where the device stands" },
    HTTP_PORT: { default: "8080" },
    SERIAL: {},
    db_password: { description: "the secret db-password" },
  });
  const nginx = await readFile(new URL("nginx.conf", FOLDER));
  const digest = `sha256:${createHash("sha256").update(nginx).digest("hex")}`;
  assert.deepEqual(app.configs, { nginx: { kind: "file", digest, sizeBytes: nginx.length } });
  assert.deepEqual(
    files.map((file) => [file.path, file.digest]),
    [["nginx.conf", digest]],
  );
  assert.deepEqual(
    warnings.map((warning) => [warning.line, warning.message]),
    [[39, "the volume spare is used by no service"]],
  );
  assert.deepEqual(appProblems(app), []);
});

test("later files are merged over earlier ones as compose does", async () => {
  const { app } = await shop("compose.yaml", "compose.small.yaml");
  const { web, db } = app.services;
  assert.deepEqual(web?.command, ["serve", "--small"], "replaced");
  assert.deepEqual(web?.environment, { TITLE: "The corner shop", LOG: "debug", SERIAL: "${SERIAL}" }, "merged by name");
  assert.deepEqual(
    web?.ports.map((port) => port.published),
    ["${HTTP_PORT}", "8443"],
    "appended",
  );
  assert.deepEqual(
    web?.mounts,
    [{ kind: "bind", source: "/srv/cache", target: "/cache", readOnly: false }],
    "by target",
  );
  assert.deepEqual(Object.keys(web?.networks ?? {}), ["default", "back"]);
  assert.deepEqual(db?.resources, { memoryBytes: 67_108_864 });
  assert.equal(db?.image, "team/db:7");
});

test("the same files make the same bytes", async () => {
  const [a, b] = [await shop("compose.yaml"), await shop("compose.yaml")];
  assert.equal(canonicalJson(a.app), canonicalJson(b.app));
});

test("the name given by hand wins", async () => {
  const files = [{ path: "c", text: "name: a\nservices: { w: { image: x } }" }];
  assert.equal((await parseCompose({ files, env: {}, read, projectName: "b" })).app?.name, "b");
});

test("an app from outside that does not hold together is told so", async () => {
  const { app } = await shop("compose.yaml");
  const web = app.services["web"]!;
  const withWeb = (change: object) => ({ ...app, services: { ...app.services, web: { ...web, ...change } } });
  const cases: readonly (readonly [app: Parameters<typeof appProblems>[0], problem: string])[] = [
    [withWeb({ networks: { nowhere: {} } }), "services.web.networks: nowhere is not declared"],
    [
      withWeb({ dependsOn: { x: { condition: "service_started", required: true, restart: false } } }),
      "services.web.dependsOn: x is not declared",
    ],
    [withWeb({ environment: { A: "$NOPE" } }), "services.web.environment.A: the variable NOPE is not declared"],
    [withWeb({ environment: { A: "50$" } }), "services.web.environment.A: the text is no template"],
    [withWeb({ image: "${SITE}" }), "services.web.image: an image is the same on every device"],
    [withWeb({ labels: { "io.flotilla.app": "x" } }), "services.web.labels: io.flotilla.app is the agent's own"],
    [{ ...app, volumes: {} }, "services.web.mounts: cache is not declared"],
    [
      { ...app, secrets: { "db-password": { kind: "variable", variable: "HTTP_PORT" } } },
      "secrets.db-password: the secret HTTP_PORT has a default",
    ],
  ];
  for (const [bad, problem] of cases) {
    const told = appProblems(bad).map(({ field, message }) => `${field}: ${message}`);
    assert.ok(told.includes(problem), `${problem}, not ${told.join("; ")}`);
  }
});
