import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Clock, systemClock } from "@flotilla/base/clock";
import { encodedPart } from "@flotilla/base/digest";
import { silentLog } from "@flotilla/base/log";
import { sha256 } from "@flotilla/oci/hash";
import { createTransport } from "../link/transport.ts";
import type { Fetcher } from "../ports.ts";
import { type BlobStore, openBlobStore } from "./blob-store.ts";
import { createFetcher } from "./fetcher.ts";

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251));
const DIGEST = sha256(CONTENT);
const BLOB = { repository: "default/web", digest: DIGEST, sizeBytes: CONTENT.length };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves the rest of the blob from the range asked for, as our registry does. */
const good: Answer = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const range = { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` };
  response.writeHead(from === 0 ? 200 : 206, { "content-length": CONTENT.length - from, ...(from === 0 ? {} : range) });
  response.end(CONTENT.subarray(from));
};

/** Sends `count` bytes of what was asked for and breaks the connection. */
const breakAfter =
  (count: number): Answer =>
  (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` };
    response.writeHead(from === 0 ? 200 : 206, {
      "content-length": CONTENT.length - from,
      ...(from === 0 ? {} : range),
    });
    response.write(CONTENT.subarray(from, from + count), () => setTimeout(() => response.destroy(), 20));
  };

const status =
  (code: number, headers: Record<string, string> = {}, body = ""): Answer =>
  (_request, response) =>
    response.writeHead(code, headers).end(body);

describe("fetcher", () => {
  let folder = "";
  let server: Server;
  let blobs: BlobStore;
  let fetcher: Fetcher;
  let answers: Answer[] = [];
  let asked: { range: string | undefined; token: string }[] = [];
  let waits: number[] = [];
  let forgotten: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-fetch-"));
    server = createServer((request, response) => {
      const token = (request.headers.authorization ?? "").replace("Bearer ", "");
      asked.push({ range: request.headers.range, token });
      (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    await rm(folder, { recursive: true });
    [asked, waits, forgotten] = [[], [], []];
    blobs = await openBlobStore(folder, systemClock);
    const clock: Clock = { ...systemClock, sleep: async (ms) => void waits.push(ms) };
    const { port } = server.address() as AddressInfo;
    fetcher = createFetcher({
      server: new URL(`http://127.0.0.1:${port}`),
      send: createTransport({ trust: { kind: "system" }, proxy: undefined }).send,
      tokens: {
        current: async () => `token-${forgotten.length}`,
        forget: (token) => void forgotten.push(token),
      },
      blobs,
      clock,
      log: silentLog,
      random: () => 1,
    });
  });

  async function fetchBlob(...script: Answer[]): Promise<number[]> {
    answers = script;
    const progress: number[] = [];
    await fetcher.fetch(BLOB, (done) => void progress.push(done), AbortSignal.timeout(20_000));
    assert.equal(await blobs.has(DIGEST), true);
    assert.deepEqual(Buffer.from(await blobs.readAll(DIGEST, 1e6)), CONTENT);
    return progress;
  }

  it("brings a blob, tells its progress, and brings it once", async () => {
    const progress = await fetchBlob(good);
    assert.equal(progress.at(-1), CONTENT.length);
    await fetchBlob(good);
    assert.equal(asked.length, 1);
  });

  it("goes on at the byte where a connection broke, as often as it breaks", async () => {
    await fetchBlob(breakAfter(1), breakAfter(100_000), breakAfter(65_537), good);
    assert.deepEqual(
      asked.map(({ range }) => range),
      [undefined, "bytes=1-", "bytes=100001-", "bytes=165538-"],
    );
  });

  it("does not give up while bytes come", async () => {
    await fetchBlob(...Array.from({ length: 12 }, () => breakAfter(1000)), good);
    assert.equal(asked.length, 13);
  });

  it("gives up when nothing comes, and goes on there the next time", async () => {
    await assert.rejects(fetchBlob(breakAfter(5000), status(503)), { code: "download-failed" });
    asked = [];
    await fetchBlob(good);
    assert.equal(asked[0]?.range, "bytes=5000-");
  });

  it("fetches again what was changed on the disk", async () => {
    await assert.rejects(fetchBlob(breakAfter(5000), status(403)), { code: "registry-denied" });
    await writeFile(join(folder, "partial", encodedPart(DIGEST)), Buffer.alloc(5000));
    await fetchBlob(good);
  });

  it("fetches again what is longer on the disk than it should be", async () => {
    await writeFile(join(folder, "partial", encodedPart(DIGEST)), Buffer.alloc(CONTENT.length + 1));
    await fetchBlob(good);
  });

  it("starts again with a server that knows no ranges", async () => {
    const whole: Answer = (_request, response) =>
      response.writeHead(200, { "content-length": CONTENT.length }).end(CONTENT);
    await fetchBlob(breakAfter(5000), whole);
  });

  it("gives up on a server that keeps sending other bytes", async () => {
    const other: Answer = (_request, response) => response.end(Buffer.alloc(CONTENT.length));
    await assert.rejects(fetchBlob(other), { code: "blob-damaged" });
    assert.equal(await blobs.has(DIGEST), false);
  });

  for (const [name, answer] of [
    [
      "a captive portal's page",
      status(200, { "content-type": "text/html; charset=utf-8" }, "<h1>Welcome to the hotel</h1>"),
    ],
    ["a captive portal's redirect", status(302, { location: "http://portal.example/" })],
    ["another length", status(200, { "content-length": "4" }, "four")],
    ["another range", status(206, { "content-range": "bytes 7-9/10" }, "abc")],
    ["an encoded body", status(200, { "content-encoding": "gzip" }, "abc")],
    ["a server that is down", status(502)],
  ] as const) {
    it(`lets ${name} pass by`, async () => {
      await fetchBlob(answer, good);
      assert.equal(asked.length, 2);
    });
  }

  it("waits as long as the server asks", async () => {
    await fetchBlob(status(429, { "retry-after": "7" }), good);
    assert.deepEqual(waits, [8000]);
  });

  it("takes a new token when one is refused, and is refused when that is too", async () => {
    await fetchBlob(status(401), good);
    assert.deepEqual(
      asked.map(({ token }) => token),
      ["token-0", "token-1"],
    );
    await blobs.remove(DIGEST);
    await assert.rejects(fetchBlob(status(401)), { code: "registry-denied" });
  });

  for (const [code, expected] of [
    [403, "registry-denied"],
    [404, "registry-not-found"],
    [400, "registry-failed"],
  ] as const) {
    it(`does not ask again after ${code}`, async () => {
      await assert.rejects(fetchBlob(status(code)), { code: expected });
      assert.equal(asked.length, 1);
    });
  }

  it("starts again when the range is refused", async () => {
    await fetchBlob(breakAfter(5000), status(416), good);
    assert.deepEqual(
      asked.map(({ range }) => range),
      [undefined, "bytes=5000-", undefined],
    );
  });

  it("stops at once when told to", async () => {
    answers = [breakAfter(1000)];
    const stop = new AbortController();
    const fetching = fetcher.fetch(BLOB, () => stop.abort(new Error("enough")), stop.signal);
    await assert.rejects(fetching, { message: "enough" });
  });

  it("brings manifests whole or not at all", async () => {
    const bytes = Buffer.from('{"schemaVersion":2}');
    answers = [status(200, {}, "other"), status(200, {}, bytes.toString())];
    const manifest = await fetcher.fetchManifest("default/web", sha256(bytes), AbortSignal.timeout(5000));
    assert.deepEqual(Buffer.from(manifest), bytes);
    answers = [(_request, response) => response.end(Buffer.alloc(5 * 1024 * 1024))];
    await assert.rejects(fetcher.fetchManifest("default/web", sha256(bytes), AbortSignal.timeout(5000)), {
      code: "registry-too-large",
    });
  });
});
