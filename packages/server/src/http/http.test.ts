import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CodedError } from "@flotilla/base/errors";
import type { Problem } from "@flotilla/protocol/api/problem";
import { ApiToken, CreatedToken } from "@flotilla/protocol/api/users";
import { startTestServer, type TestServer } from "../testing.ts";
import { decodeCursor, encodeCursor, toPage } from "./paging.ts";
import { statusOf, toRefusal } from "./problems.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${server.ownerToken}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

const REFUSALS: readonly {
  readonly what: string;
  readonly ask: readonly [method: string, path: string, body?: string, headers?: Record<string, string>];
  readonly status: number;
  readonly code: string;
  readonly detail: RegExp;
}[] = [
  {
    what: "an unknown member, by name",
    ask: ["POST", "/api/v1/projects", '{"name":"x","color":"red"}'],
    status: 400,
    code: "invalid-request",
    detail: /^body\/color: is not known here$/,
  },
  {
    what: "a value that does not fit, with its place",
    ask: ["POST", "/api/v1/projects", '{"name":"UPPER"}'],
    status: 400,
    code: "invalid-request",
    detail: /^body\/name: /,
  },
  {
    what: "a missing member, by name",
    ask: ["POST", "/api/v1/projects", "{}"],
    status: 400,
    code: "invalid-request",
    detail: /: name$/,
  },
  {
    what: "a query that does not fit",
    ask: ["GET", "/api/v1/projects?limit=100000"],
    status: 400,
    code: "invalid-request",
    detail: /^querystring\/limit: /,
  },
  {
    what: "a cursor that is not ours",
    ask: ["GET", "/api/v1/projects?cursor=nonsense"],
    status: 400,
    code: "invalid-cursor",
    detail: /start again/,
  },
  { what: "broken JSON", ask: ["POST", "/api/v1/projects", "{"], status: 400, code: "invalid-request", detail: /JSON/ },
  {
    what: "a body of another kind",
    ask: ["POST", "/api/v1/projects", "a=b", { "content-type": "application/x-www-form-urlencoded" }],
    status: 415,
    code: "unsupported-media-type",
    detail: /./,
  },
  {
    what: "a body that is too large",
    ask: ["POST", "/api/v1/projects", JSON.stringify({ name: "x".repeat(2 * 1024 * 1024) })],
    status: 413,
    code: "too-large",
    detail: /./,
  },
  {
    what: "a path that is none, without its query",
    ask: ["GET", "/api/v1/nothing?secret=x"],
    status: 404,
    code: "not-found",
    detail: /^there is no GET \/api\/v1\/nothing$/,
  },
  {
    what: "what is there already",
    ask: ["POST", "/api/v1/projects", '{"name":"default"}'],
    status: 409,
    code: "already-exists",
    detail: /default/,
  },
];

for (const { what, ask: call, status, code, detail } of REFUSALS)
  test(`refuses ${what}`, async () => {
    const response = await ask(...call);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    const problem = (await response.json()) as Problem;
    assert.deepEqual([response.status, problem.status, problem.code], [status, status, code]);
    assert.equal(problem.type, `urn:flotilla:problem:${code}`);
    assert.match(problem.detail, detail);
  });

test("our own failures tell nothing but where to look", () => {
  const refusal = toRefusal(new Error("secret detail in SQL"), "request-1");
  assert.equal(refusal.code, "internal");
  assert.ok(!refusal.message.includes("secret"));
  assert.match(refusal.message, /request-1/);
  assert.equal(statusOf("internal"), 500);
});

test("a refusal that nobody listed is the request's fault, and keeps its code and facts", () => {
  const refusal = new CodedError("very-special", "no", { details: { a: 1 } });
  assert.equal(toRefusal(refusal, "r"), refusal);
  assert.equal(statusOf("very-special"), 400);
});

test("answers are not sniffed, and requests from one address are bounded", async () => {
  await using small = await startTestServer({ settings: { requestsPerMinute: 5 } });
  const statuses: number[] = [];
  let last: Response | undefined;
  for (let count = 0; count < 7; count++) {
    last = await fetch(`${small.url}/healthz`);
    statuses.push(last.status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
  assert.equal(last!.headers.get("x-content-type-options"), "nosniff");
  assert.ok(Number(last!.headers.get("retry-after")) > 0);
  assert.equal(((await last!.json()) as Problem).code, "too-many-requests");
});

test("a list is whole over its pages, and its last page says so", async () => {
  const made: string[] = [];
  for (let index = 0; index < 5; index++) {
    const body = { name: `t${index}`, scopes: ["project:read"] };
    made.push((await server.client.post("/api/v1/projects/default/tokens", body, CreatedToken)).id);
  }
  const ids: string[] = [];
  const options = { query: { limit: 2 } };
  for await (const token of server.client.items("/api/v1/projects/default/tokens", ApiToken, options))
    ids.push(token.id);
  assert.deepEqual(ids, made);
});

test("a cursor gives back its key, and nothing else passes for one", () => {
  assert.deepEqual(decodeCursor(encodeCursor(["a", 1]), ["string", "number"]), ["a", 1]);
  assert.equal(decodeCursor(undefined, ["string"]), undefined);
  for (const cursor of [
    "",
    "e30",
    encodeCursor([1]),
    encodeCursor(["a", "b"]),
    Buffer.from("null").toString("base64url"),
  ])
    assert.throws(() => decodeCursor(cursor, ["string"]), { code: "invalid-cursor" }, cursor);
});

test("a page that is exactly full has no next", () => {
  const map = { item: (row: number) => row, key: (row: number) => [row] };
  assert.deepEqual(toPage([1, 2], 2, map), { items: [1, 2] });
  assert.deepEqual(toPage([1, 2, 3], 2, map), { items: [1, 2], next: encodeCursor([2]) });
  assert.deepEqual(toPage([], 2, map), { items: [] });
});
