import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { uuidv7 } from "@flotilla/base/uuid";
import { Page } from "@flotilla/protocol/api/paging";
import { CreatedToken, Me, Project } from "@flotilla/protocol/api/users";
import { startTestServer, type TestServer } from "../testing.ts";
import { PERMISSIONS } from "./roles.ts";

/** What anybody may call. A route that is not here needs somebody. */
const PUBLIC = new Set([
  "GET /",
  "GET /setup",
  "GET /sign-in",
  "GET /healthz",
  "GET /readyz",
  "GET /metrics",
  "GET /install.sh",
  "GET /agents/{file}",
  "GET /api/openapi.json",
  "GET /api/v1/server",
  "GET /api/v1/server/ca.pem",
  "POST /api/v1/setup",
  "POST /api/v1/session",
  "POST /api/v1/session/exchange",
  "POST /api/v1/device/enrol",
  // Proves itself inside the WebSocket, by its key.
  "GET /api/v1/device/connect",
]);

/** Routes without a project in their path, and how they refuse a token of another project; undefined: they speak of the caller alone. */
const WITHOUT_PROJECT: Readonly<Record<string, string | undefined>> = {
  "GET /api/v1/me": undefined,
  "GET /api/v1/projects": undefined,
  "DELETE /api/v1/session": undefined,
  "POST /api/v1/session/code": "role-exceeded",
  "PUT /api/v1/me/password": "forbidden",
  "GET /api/v1/me/tokens": "role-exceeded",
  "DELETE /api/v1/me/tokens/{token}": "role-exceeded",
  "POST /api/v1/projects": "forbidden",
  "POST /api/v1/users": "not-found",
  "GET /api/v1/audit/verify": "forbidden",
};

const BODIES: Readonly<Record<string, unknown>> = {
  "POST /api/v1/projects": { name: "made-by-a-stranger" },
  "PUT /api/v1/me/password": { password: "a password of the stranger" },
  "POST /api/v1/users": { email: "stranger@example.com", project: "default", role: "owner" },
};

const CONFIG = "{}";
const CONFIG_DIGEST = `sha256:${createHash("sha256").update(CONFIG).digest("hex")}`;
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  artifactType: "application/vnd.example.v1",
  config: { mediaType: "application/vnd.oci.empty.v1+json", digest: CONFIG_DIGEST, size: CONFIG.length },
  layers: [],
});
const MANIFEST_DIGEST = `sha256:${createHash("sha256").update(MANIFEST).digest("hex")}`;

/** The endpoints of the distribution specification (v1.1, "Endpoints"), on things that are there. `UPLOAD` is an upload session that is open. */
const REGISTRY: readonly (readonly [string, string])[] = [
  ["GET", "blobs/CONFIG"],
  ["HEAD", "blobs/CONFIG"],
  ["DELETE", "blobs/CONFIG"],
  ["GET", "manifests/v1"],
  ["HEAD", "manifests/v1"],
  ["GET", "manifests/MANIFEST"],
  ["PUT", "manifests/v2"],
  ["DELETE", "manifests/MANIFEST"],
  ["POST", "blobs/uploads/"],
  ["POST", "blobs/uploads/?digest=CONFIG"],
  ["POST", "blobs/uploads/?mount=CONFIG&from=foreign/app"],
  ["GET", "blobs/uploads/UPLOAD"],
  ["PATCH", "blobs/uploads/UPLOAD"],
  ["PUT", "blobs/uploads/UPLOAD?digest=CONFIG"],
  ["DELETE", "blobs/uploads/UPLOAD"],
  ["GET", "tags/list"],
  ["GET", "referrers/MANIFEST"],
];

let server: TestServer;
let foreign: string;
let upload: string;

before(async () => {
  server = await startTestServer();
  await server.client.post("/api/v1/projects", { name: "foreign" }, Project);
  const body = { name: "stranger", scopes: PERMISSIONS };
  foreign = (await server.client.post("/api/v1/projects/foreign/tokens", body, CreatedToken)).token;
  await push("POST", `default/app/blobs/uploads/?digest=${CONFIG_DIGEST}`, CONFIG, "application/octet-stream");
  await push("PUT", "default/app/manifests/v1", MANIFEST, "application/vnd.oci.image.manifest.v1+json");
  const opened = await push("POST", "default/app/blobs/uploads/", undefined, "application/octet-stream");
  upload = new URL(opened.headers.get("location") ?? "", server.url).pathname.split("/").at(-1) ?? "";
});
after(() => server.stop());

async function push(method: string, path: string, body: string | undefined, type: string): Promise<Response> {
  const headers = { authorization: `Bearer ${server.ownerToken}`, "content-type": type };
  const response = await fetch(`${server.url}/v2/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly name: string;
}

async function routes(): Promise<readonly Route[]> {
  const document = (await (await fetch(`${server.url}/api/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      method: method.toUpperCase(),
      path,
      name: `${method.toUpperCase()} ${path}`,
    })),
  );
}

function call({ method, path, name }: Route, token: string | undefined): Promise<Response> {
  const concrete = path.replace("{project}", "default").replaceAll(/\{[a-z]+\}/g, "x");
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (method === "GET") return fetch(server.url + concrete, { headers });
  headers["content-type"] = "application/json";
  return fetch(server.url + concrete, { method, headers, body: JSON.stringify(BODIES[name] ?? {}) });
}

async function problemOf(response: Response): Promise<{ readonly code: string; readonly detail: string }> {
  assert.match(response.headers.get("content-type") ?? "", /^application\/problem\+json/);
  return (await response.json()) as { code: string; detail: string };
}

test("no route but the public ones answers without a token", async () => {
  const all = await routes();
  assert.ok(all.length > 40);
  for (const name of PUBLIC)
    assert.ok(
      all.some((route) => route.name === name),
      `${name} is no route any more`,
    );
  for (const route of all) {
    const response = await call(route, undefined);
    if (PUBLIC.has(route.name)) continue;
    assert.equal(response.status, 401, route.name);
    assert.equal((await problemOf(response)).code, "unauthenticated", route.name);
    assert.equal(response.headers.get("www-authenticate"), 'Bearer realm="flotilla"', route.name);
  }
});

test("no route of a project answers a token of another project, nor tells that the project is there", async () => {
  const ofProject = (await routes()).filter((route) => route.path.includes("{project}"));
  assert.ok(ofProject.length > 30);
  for (const route of ofProject) {
    const response = await call(route, foreign);
    assert.equal(response.status, 404, route.name);
    assert.deepEqual(
      pick(await problemOf(response)),
      { code: "not-found", detail: "there is no project default" },
      route.name,
    );
    const missing = await call({ ...route, path: route.path.replace("{project}", "none") }, foreign);
    assert.equal((await problemOf(missing)).detail, "there is no project none", route.name);
  }
});

test("routes without a project refuse the stranger or speak of the stranger alone", async () => {
  const rest = (await routes()).filter((route) => !route.path.includes("{project}") && !PUBLIC.has(route.name));
  assert.deepEqual(rest.map((route) => route.name).sort(), Object.keys(WITHOUT_PROJECT).sort());
  for (const route of rest) {
    const code = WITHOUT_PROJECT[route.name];
    const response = await call(route, foreign);
    if (code === undefined) assert.ok(response.ok, route.name);
    else assert.equal((await problemOf(response)).code, code, route.name);
  }
  const stranger = server.clientWith(foreign);
  const me = await stranger.get("/api/v1/me", Me);
  assert.deepEqual(
    me.projects.map((project) => project.name),
    ["foreign"],
  );
  const { items } = await stranger.get("/api/v1/projects", Page(Project));
  assert.deepEqual(
    items.map((project) => project.name),
    ["foreign"],
  );
});

for (const [method, path] of REGISTRY)
  test(`the registry refuses strangers and nobody: ${method} ${path}`, async () => {
    const concrete = path
      .replace("CONFIG", CONFIG_DIGEST)
      .replace("MANIFEST", MANIFEST_DIGEST)
      .replace("UPLOAD", upload);
    const ask = (token: string | undefined) =>
      fetch(`${server.url}/v2/default/app/${concrete}`, {
        method,
        headers: {
          "content-type": "application/vnd.oci.image.manifest.v1+json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(method === "PUT" || method === "PATCH" || method === "POST" ? { body: MANIFEST } : {}),
      });
    const nobody = await ask(undefined);
    assert.equal(nobody.status, 401);
    assert.match(nobody.headers.get("www-authenticate") ?? "", /^(Basic|Bearer) /);
    const stranger = await ask(foreign);
    assert.ok([403, 404].includes(stranger.status), `status ${stranger.status}`);
    if (method === "HEAD") return;
    const { errors } = (await stranger.json()) as { readonly errors?: readonly { readonly code: string }[] };
    assert.match(errors?.[0]?.code ?? "", /^[A-Z_]+$/);
  });

test("a blob of another project is not mounted, and whether it is there is not told", async () => {
  const mount = await fetch(`${server.url}/v2/foreign/app/blobs/uploads/?mount=${CONFIG_DIGEST}&from=default/app`, {
    method: "POST",
    headers: { authorization: `Bearer ${foreign}` },
  });
  assert.equal(mount.status, 202);
  const head = await fetch(`${server.url}/v2/foreign/app/blobs/${CONFIG_DIGEST}`, {
    method: "HEAD",
    headers: { authorization: `Bearer ${foreign}` },
  });
  assert.equal(head.status, 404);
});

test("the things that the registry kept from strangers are still there", async () => {
  const client = { authorization: `Bearer ${server.ownerToken}` };
  for (const path of [`blobs/${CONFIG_DIGEST}`, `manifests/${MANIFEST_DIGEST}`, `blobs/uploads/${upload}`])
    assert.ok((await fetch(`${server.url}/v2/default/app/${path}`, { headers: client })).ok, path);
});

test("a device uses none of the routes of people, neither of another project nor of its own", async () => {
  const refusals = [
    { project: "foreign", status: 404 },
    { project: "default", status: 403 },
  ];
  for (const { project, status } of refusals) {
    const token = await deviceToken(project);
    for (const route of (await routes()).filter(({ path }) => path.includes("{project}"))) {
      const response = await call(route, token);
      assert.equal(response.status, status, `${project}: ${route.name}`);
      await problemOf(response);
    }
    const catalog = await fetch(`${server.url}/v2/default/app/manifests/v1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.ok([403, 404].includes(catalog.status), `a device without a target pulls: ${catalog.status}`);
  }
});

test("a device's token of a device that is not there, or of nonsense, is nobody's", async () => {
  const granted = await server.context.access.grantDeviceToken("01890000-0000-7000-8000-000000000000", "default");
  for (const token of [granted.token, "fltd_x.y", "flt_x", "nonsense"]) {
    const response = await fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await problemOf(response)).code, "unauthenticated");
  }
});

async function deviceToken(project: string): Promise<string> {
  const { database, access, clock } = server.context;
  const id = uuidv7(clock.now());
  const device = {
    ...{ project, id, name: "d", public_key: id, key_fingerprint: id, labels: "{}", time_zone: "UTC", facts: null },
    ...{ enrolled_at: "2026-01-01T00:00:00.000Z", enrolled_with: "t", revoked_at: null, last_seen_at: null },
    ...{ report_epoch: null, report_seq: 0, reported_at: null, reported_device_time: null, reported_target_version: 0 },
  };
  await database.write((trx) => trx.insertInto("devices").values(device).execute());
  return (await access.grantDeviceToken(id, project)).token;
}

function pick({ code, detail }: { readonly code: string; readonly detail: string }) {
  return { code, detail };
}
