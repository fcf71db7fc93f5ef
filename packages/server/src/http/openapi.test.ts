import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer, type TestServer } from "../testing.ts";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly "x-access"?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: unknown }>>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Served beside the API and described by their own specifications. */
const ELSEWHERE = new Set(["/v2", "/v2/", "/v2/*"]);

async function document(server: TestServer): Promise<Document> {
  return (await (await fetch(`${server.url}/api/openapi.json`)).json()) as Document;
}

/** Every route of the router, as `METHOD /path/{parameter}`. */
function routesOf(server: TestServer): readonly string[] {
  const routes: string[] = [];
  const parents: string[] = [];
  for (const line of server.app.printRoutes({ commonPrefix: false }).split("\n")) {
    const match = /^([│├└─ ]*)(\S+) \(([A-Z, ]+)\)$/.exec(line);
    if (match === null) continue;
    const [, indent = "", segment = "", methods = ""] = match;
    const depth = indent.length / 4;
    parents.length = depth - 1;
    parents.push(segment);
    const path = parents
      .join("")
      .replace("//", "/")
      .replaceAll(/:([a-z]+)/g, "{$1}");
    for (const method of methods.split(", ")) if (method !== "HEAD") routes.push(`${method} ${path}`);
  }
  return routes;
}

test("the document is OpenAPI 3.1, and each operation says what it is and what it answers", async () => {
  await using server = await startTestServer();
  const { openapi, info, paths } = await document(server);
  assert.equal(openapi, "3.1.0");
  assert.equal(info.title, "Flotilla");
  const ids: string[] = [];
  for (const [path, operations] of Object.entries(paths))
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method} ${path}`;
      assert.match(operation.operationId ?? "", /^[a-z][A-Za-z]+$/, name);
      assert.ok(operation.summary && operation.tags?.length === 1, name);
      const statuses = Object.keys(operation.responses ?? {});
      assert.ok(statuses.includes("default") && statuses.some((status) => /^[23]|^426/.test(status)), name);
      const declared = operation.parameters?.filter((parameter) => parameter.in === "path") ?? [];
      const inPath = [...path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1]);
      assert.deepEqual(declared.map((parameter) => parameter.name).sort(), inPath.sort(), name);
      assert.deepEqual(Object.keys(operation.responses?.default?.content ?? {}), ["application/problem+json"], name);
      assert.match(operation["x-access"] ?? "", /^(?:public|device|signed-in|[a-z]+:[a-z]+)$/, name);
      ids.push(operation.operationId ?? "");
    }
  assert.equal(new Set(ids).size, ids.length, "operation ids are unique");
});

test("every route of the server is in the document", async () => {
  await using server = await startTestServer();
  const { paths } = await document(server);
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = routesOf(server).filter((route) => !ELSEWHERE.has(route.split(" ")[1] ?? ""));
  assert.ok(routes.length > 40, `found ${routes.length} routes`);
  assert.deepEqual([...routes].sort(), described.sort());
});

test("the document is asked for cheaply the second time", async () => {
  await using server = await startTestServer();
  const first = await fetch(`${server.url}/api/openapi.json`);
  const etag = first.headers.get("etag") ?? "";
  assert.match(etag, /^"[\w-]{27}"$/);
  const second = await fetch(`${server.url}/api/openapi.json`, { headers: { "if-none-match": `"other", W/${etag}` } });
  assert.equal(second.status, 304);
  assert.equal(await second.text(), "");
  assert.equal(
    (await fetch(`${server.url}/api/openapi.json`, { headers: { "if-none-match": '"other"' } })).status,
    200,
  );
});
