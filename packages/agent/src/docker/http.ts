import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { deadlineSignal } from "@flotilla/base/clock";
import { messageOf } from "@flotilla/base/errors";
import { EngineError } from "../ports.ts";
import { type EngineAddress, parseEngineAddress } from "./address.ts";

/** Longest wait for a short call (inspect, create, …). */
export const CALL_DEADLINE_MS = 60_000;
/** Largest JSON answer that is read. */
export const MAX_JSON_BYTES = 32 * 1024 * 1024;
/** The newest API whose meaning this code knows, and the oldest it can use (Docker 17.05). */
const NEWEST_API = [1, 47] as const;
const OLDEST_API = [1, 29] as const;
const MAX_ERROR_BYTES = 64 * 1024;

export interface EngineRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** Below the version prefix, e.g. `/containers/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it comes, with back-pressure. */
  readonly body?: { readonly type: string; readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array> };
  /** Counted from the call to the end of the answer. */
  readonly deadlineMs?: number;
  /** Statuses of 300 and above that are an answer and no error. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body has been read. */
export interface EngineAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** The Engine API as HTTP: versioned paths, deadlines, errors as {@link EngineError}. */
export interface EngineHttp {
  /** Whole answer, bounded by {@link MAX_JSON_BYTES}. */
  call(request: EngineRequest): Promise<EngineAnswer>;
  /** The answer's body parsed as JSON. */
  json(request: EngineRequest): Promise<unknown>;
  /** The body as it comes; the deadline and the signal hold until its end. */
  stream(request: EngineRequest): Promise<AsyncIterable<Buffer>>;
  /** The API version in use, e.g. `1.41`. */
  apiVersion(signal?: AbortSignal): Promise<string>;
}

/** A client for the engine at `address` (see {@link parseEngineAddress}). Opens nothing until the first call. */
export function createEngineHttp(address: string): EngineHttp {
  const target = parseEngineAddress(address);
  let version: string | undefined;

  async function apiVersion(signal?: AbortSignal): Promise<string> {
    version ??= await negotiate(target, signal);
    return version;
  }

  async function open(request: EngineRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const path = `/v${await apiVersion(signal)}${request.path}${queryOf(request.query)}`;
    try {
      const response = await send(target, path, request, signal);
      await refuseErrors(response, request);
      return response;
    } catch (error) {
      if (isStale(error)) version = undefined;
      throw error;
    }
  }

  const http: EngineHttp = {
    apiVersion,
    async call(request) {
      return guarded(request, async (signal) => {
        const response = await open(request, signal);
        return { status: response.statusCode ?? 0, body: await readBounded(response, MAX_JSON_BYTES) };
      });
    },
    async json(request) {
      const { body } = await http.call(request);
      try {
        return JSON.parse(body.toString("utf8"));
      } catch (error) {
        throw new EngineError(0, `${request.method} ${request.path}: the engine's answer is not JSON`, {
          cause: error,
        });
      }
    },
    async stream(request) {
      const signal = deadlineSignal(request.deadlineMs ?? CALL_DEADLINE_MS, request.signal);
      const response = await translated(request, signal, () => open(request, signal));
      return chunksOf(response, request, signal);
    },
  };
  return http;
}

async function guarded<T>(request: EngineRequest, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = deadlineSignal(request.deadlineMs ?? CALL_DEADLINE_MS, request.signal);
  return translated(request, signal, () => task(signal));
}

async function translated<T>(request: EngineRequest, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw translate(error, request, signal);
  }
}

/** The caller's abort stays the caller's reason; our deadline and every socket failure become {@link EngineError}s. */
function translate(error: unknown, request: EngineRequest, signal: AbortSignal): unknown {
  if (request.signal?.aborted) return request.signal.reason;
  if (error instanceof EngineError) return error;
  const what = `${request.method} ${request.path}`;
  if (signal.aborted) {
    const seconds = (request.deadlineMs ?? CALL_DEADLINE_MS) / 1000;
    return new EngineError(0, `${what}: the engine did not answer within ${seconds} s`, { cause: error });
  }
  return new EngineError(0, `${what}: the engine cannot be reached (${messageOf(error)})`);
}

async function* chunksOf(
  response: IncomingMessage,
  request: EngineRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    throw translate(error, request, signal);
  } finally {
    response.destroy();
  }
}

async function negotiate(target: EngineAddress, signal: AbortSignal | undefined): Promise<string> {
  const ping: EngineRequest = { method: "GET", path: "/_ping", deadlineMs: 10_000, signal };
  return guarded(ping, async (deadline) => {
    const response = await send(target, "/_ping", ping, deadline);
    await refuseErrors(response, ping);
    response.resume();
    const offered = /^(\d+)\.(\d+)$/.exec(String(response.headers["api-version"] ?? ""));
    if (offered === null)
      throw new EngineError(0, "GET /_ping: the answer names no API version; is this a Docker Engine?");
    const [major, minor] = [Number(offered[1]), Number(offered[2])];
    if (major !== NEWEST_API[0] || minor < OLDEST_API[1])
      throw new EngineError(0, `the engine speaks API ${major}.${minor}; ${OLDEST_API.join(".")} or newer is needed`);
    return `1.${Math.min(minor, NEWEST_API[1])}`;
  });
}

/** Whether the next call should negotiate again: the engine went away, or was replaced by one of another version. */
function isStale(error: unknown): boolean {
  if (!(error instanceof EngineError)) return true;
  return error.status === 400 && error.message.includes("client version");
}

function send(
  target: EngineAddress,
  path: string,
  request: EngineRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const payload = request.json === undefined ? undefined : Buffer.from(JSON.stringify(request.json));
  const headers: Record<string, string> = { host: "docker" };
  if (payload !== undefined) headers["content-type"] = "application/json";
  if (payload !== undefined) headers["content-length"] = String(payload.length);
  if (request.body !== undefined) headers["content-type"] = request.body.type;
  const where = target.kind === "unix" ? { socketPath: target.path } : { host: target.host, port: target.port };
  return new Promise((resolve, reject) => {
    // A new connection for each call: a kept one may have died with the engine it led to.
    const outgoing = httpRequest({ ...where, agent: false, method: request.method, path, headers, signal });
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    if (request.body === undefined) outgoing.end(payload);
    else pump(request.body.chunks, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
  });
}

async function pump(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  for await (const chunk of chunks) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await writable(outgoing);
  }
  outgoing.end();
}

function writable(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}

async function refuseErrors(response: IncomingMessage, request: EngineRequest): Promise<void> {
  const status = response.statusCode ?? 0;
  if (status < 300 || request.accept?.includes(status)) return;
  const text = (await readBounded(response, MAX_ERROR_BYTES)).toString("utf8");
  throw new EngineError(status, `${request.method} ${request.path}: ${messageIn(text)}`);
}

function messageIn(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed !== null && typeof parsed === "object" && "message" in parsed) return String(parsed.message);
  } catch {
    // Not JSON: proxies and old engines answer in plain text.
  }
  return text.trim().slice(0, 1000);
}

async function readBounded(response: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > limit) {
      response.destroy();
      throw new EngineError(0, `the engine's answer is larger than ${limit} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function queryOf(query: Readonly<Record<string, string>> | undefined): string {
  return query === undefined ? "" : `?${new URLSearchParams(query)}`;
}
