import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { createApiClient, NoContent } from "./client.ts";

const Thing = Type.Object({ name: Type.String() });

interface Sent {
  readonly url: string;
  readonly method: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A server that gives these answers in order, and keeps what it was asked. */
function answering(...answers: readonly Response[]) {
  const sent: Sent[] = [];
  const queue = [...answers];
  const fake = async (url: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> => {
    sent.push({
      url: String(url),
      method: init.method,
      headers: init.headers as Record<string, string>,
      body: init.body === undefined ? undefined : JSON.parse(String(init.body)),
    });
    return queue.shift() ?? new Response("", { status: 500 });
  };
  return { sent, client: createApiClient({ baseUrl: "https://fleet.example", token: "flt_x", fetch: fake }) };
}

const json = (value: unknown, status = 200, type = "application/json") =>
  new Response(JSON.stringify(value), { status, headers: { "content-type": type } });

const problem = {
  type: "urn:x",
  title: "blocked",
  status: 422,
  detail: "why",
  code: "release-blocked",
  reasons: ["r"],
};

test("sends the token, the query and the body, and gives back what fits", async () => {
  const { client, sent } = answering(json({ name: "a" }), json({ name: "b" }), new Response(null, { status: 204 }));
  assert.deepEqual(await client.get("/api/v1/x", Thing, { query: { a: "b c", none: undefined, n: 1 } }), { name: "a" });
  assert.deepEqual(await client.post("/api/v1/x", { in: 1 }, Thing), { name: "b" });
  assert.equal(await client.put("/api/v1/x", {}, NoContent), undefined);
  assert.equal(sent[0]!.url, "https://fleet.example/api/v1/x?a=b+c&n=1");
  assert.equal(sent[0]!.headers.authorization, "Bearer flt_x");
  assert.equal(sent[0]!.headers["content-type"], undefined);
  assert.deepEqual([sent[1]!.method, sent[1]!.body], ["POST", { in: 1 }]);
});

test("a problem is a coded error with its facts", async () => {
  const { client } = answering(json(problem, 422, "application/problem+json; charset=utf-8"));
  await assert.rejects(client.get("/api/v1/x", Thing), {
    name: "CodedError",
    code: "release-blocked",
    message: "why",
    details: { status: 422, reasons: ["r"] },
  });
});

const UNEXPECTED: readonly { readonly what: string; readonly answer: Response; readonly says: RegExp }[] = [
  { what: "another shape", answer: json({ name: 1 }), says: /GET \/api\/v1\/x: \/name .*same version/ },
  { what: "no JSON", answer: new Response("<html>"), says: /GET \/api\/v1\/x/ },
  { what: "nothing", answer: new Response(""), says: /GET \/api\/v1\/x/ },
  { what: "a status without a problem", answer: new Response("oops", { status: 502 }), says: /status 502 without/ },
  { what: "a problem that is none", answer: json({ a: 1 }, 400, "application/problem+json"), says: /status 400/ },
];

for (const { what, answer, says } of UNEXPECTED)
  test(`refuses ${what}`, async () => {
    const { client } = answering(answer);
    await assert.rejects(client.get("/api/v1/x", Thing), { code: "unexpected-response", message: says });
  });

test("goes through the pages of a list as they are asked for", async () => {
  const pages = [json({ items: [{ name: "a" }, { name: "b" }], next: "2" }), json({ items: [{ name: "c" }] })];
  const { client, sent } = answering(...pages);
  const names: string[] = [];
  for await (const { name } of client.items("/api/v1/x", Thing, { query: { limit: 2 } })) {
    names.push(name);
    assert.equal(sent.length, name === "c" ? 2 : 1);
  }
  assert.deepEqual(names, ["a", "b", "c"]);
  assert.equal(sent[1]!.url, "https://fleet.example/api/v1/x?limit=2&cursor=2");
});

test("a server that is not there is told by name; a call that was given up throws the reason", async () => {
  const failing = createApiClient({
    baseUrl: "https://fleet.example",
    fetch: async () => {
      throw new TypeError("fetch failed");
    },
  });
  await assert.rejects(failing.get("/api/v1/x", Thing), { code: "server-unreachable", message: /fleet\.example/ });
  const reason = new Error("given up");
  await assert.rejects(failing.get("/api/v1/x", Thing, { signal: AbortSignal.abort(reason) }), reason);
});

const event = (seq: number) => ({
  seq,
  at: "2026-01-01T00:00:00.000Z",
  project: "default",
  actor: { kind: "user", id: "u" },
  action: "x.done",
  subject: "x/1",
  hash: "0".repeat(64),
});

test("a stream of events begins after the one it is told, and skips heartbeats", async () => {
  const text = `retry: 1\n\n: beat\n\nid: 8\ndata: ${JSON.stringify(event(8))}\n\nid: 9\ndata: ${JSON.stringify(event(9))}\n\n`;
  const { client, sent } = answering(new Response(text));
  const seqs: number[] = [];
  for await (const { seq } of client.events("a b", { after: 7 })) seqs.push(seq);
  assert.deepEqual(seqs, [8, 9]);
  assert.equal(sent[0]!.url, "https://fleet.example/api/v1/projects/a%20b/events");
  assert.equal(sent[0]!.headers["last-event-id"], "7");
});

test("a stream that is refused or damaged says so", async () => {
  const refused = answering(json({ ...problem, code: "not-found" }, 404, "application/problem+json")).client;
  await assert.rejects(Array.fromAsync(refused.events("x", { after: 0 })), { code: "not-found" });
  const damaged = answering(new Response('data: {"seq":"one"}\n\n')).client;
  await assert.rejects(Array.fromAsync(damaged.events("x", { after: 0 })), { code: "unexpected-response" });
});
