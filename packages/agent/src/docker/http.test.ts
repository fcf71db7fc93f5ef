import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { EngineError } from "../ports.ts";
import { createEngineHttp, type EngineHttp } from "./http.ts";

describe("engine over HTTP", () => {
  let folder = "";
  let server: Server;
  let http: EngineHttp;
  let paths: string[] = [];
  let api = "1.41";
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-http-"));
    server = createServer((request, response) => {
      paths.push(request.url ?? "");
      if (request.url === "/_ping") response.writeHead(200, { "api-version": api }).end("OK");
      else answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    [paths, api] = [[], "1.41"];
    http = createEngineHttp(`unix://${join(folder, "s")}`);
  });
  const get = (more = {}) => http.json({ method: "GET", path: "/x", ...more });
  const isEngineError = (status: number, message: RegExp) => (error: unknown) =>
    error instanceof EngineError && error.status === status && message.test(error.message);

  for (const [offered, used] of [
    ["1.41", "1.41"],
    ["1.29", "1.29"],
    ["1.99", "1.47"],
  ] as const) {
    it(`speaks ${used} to an engine that offers ${offered}`, async () => {
      api = offered;
      answer = (_request, response) => response.end("{}");
      await get();
      assert.deepEqual(paths, ["/_ping", `/v${used}/x`]);
    });
  }

  it("refuses an engine that is too old, or is none", async () => {
    api = "1.24";
    await assert.rejects(get(), isEngineError(0, /speaks API 1\.24; 1\.29 or newer/));
    api = "";
    await assert.rejects(get(), isEngineError(0, /is this a Docker Engine/));
  });

  it("negotiates again when the engine was replaced", async () => {
    answer = (_request, response) => response.end("{}");
    await get();
    api = "1.44";
    answer = (_request, response) => response.writeHead(400).end('{"message":"client version 1.41 is too old"}');
    await assert.rejects(get(), isEngineError(400, /too old/));
    answer = (_request, response) => response.end("{}");
    await get();
    assert.equal(paths.at(-1), "/v1.44/x");
  });

  it("tells the engine's message and status", async () => {
    answer = (_request, response) => response.writeHead(409).end('{"message":"name in use"}');
    await assert.rejects(get(), isEngineError(409, /^GET \/x: name in use$/));
    answer = (_request, response) => response.writeHead(502).end("bad gateway\n");
    await assert.rejects(get(), isEngineError(502, /bad gateway/));
    assert.equal((await http.call({ method: "GET", path: "/x", accept: [502] })).status, 502);
  });

  it("ends a call at its deadline, and a stream too", async () => {
    answer = () => {};
    await assert.rejects(get({ deadlineMs: 100 }), isEngineError(0, /did not answer within 0\.1 s/));
    answer = (_request, response) => void response.write("x");
    const stream = await http.stream({ method: "GET", path: "/x", deadlineMs: 200 });
    await assert.rejects(Array.fromAsync(stream), isEngineError(0, /did not answer/));
  });

  it("lets the caller's reason through", async () => {
    answer = () => {};
    const stop = new AbortController();
    const call = get({ signal: stop.signal });
    stop.abort(new Error("new target"));
    await assert.rejects(call, { message: "new target" });
  });

  it("notices an engine that dies while it answers", async () => {
    answer = (_request, response) => response.write('{"a":', () => response.destroy());
    await assert.rejects(get(), isEngineError(0, /cannot be reached/));
  });

  // Bun tells only that the pipe broke; loadImage then asks the engine in another way and hears the reason there.
  const deaf = "Bun" in globalThis && "Bun does not read an answer that comes before the end of the body";
  it("does not wait for the end of a body that nobody reads", { skip: deaf }, async () => {
    answer = (_request, response) => void response.writeHead(500).end('{"message":"no space left on device"}');
    async function* endless() {
      for (;;) yield Buffer.alloc(65536);
    }
    const body = { type: "application/x-tar", chunks: endless() };
    await assert.rejects(
      http.stream({ method: "POST", path: "/images/load", body }),
      isEngineError(500, /no space left/),
    );
  });
});
