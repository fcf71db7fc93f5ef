import { deadlineSignal } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { Event } from "./api/audit.ts";
import { Page } from "./api/paging.ts";
import { PROBLEM_MEDIA_TYPE, Problem } from "./api/problem.ts";
import { readServerSentEvents } from "./server-sent-events.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
/** Largest JSON answer that is read. */
const MAX_ANSWER_CHARACTERS = 64 * 1024 * 1024;

/** For answers without a body (204). */
export const NoContent = Type.Undefined();

export interface ApiClientOptions {
  /** `https://fleet.example`, no trailing slash. */
  readonly baseUrl: string;
  /** API token; without one only public routes answer. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole call; default one minute. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The API as callers use it. Paths start with `/api/`. Every answer is checked against its schema (`unexpected-response` when it does not fit),
 * a problem becomes a `CodedError` with the problem's code, and a server that does not answer is `server-unreachable`.
 */
export interface ApiClient {
  readonly baseUrl: string;
  get<T extends TSchema>(path: string, schema: T, options?: CallOptions): Promise<Static<T>>;
  post<T extends TSchema>(path: string, body: unknown, schema: T, options?: CallOptions): Promise<Static<T>>;
  put<T extends TSchema>(path: string, body: unknown, schema: T, options?: CallOptions): Promise<Static<T>>;
  patch<T extends TSchema>(path: string, body: unknown, schema: T, options?: CallOptions): Promise<Static<T>>;
  delete(path: string, options?: CallOptions): Promise<void>;
  /** Every item of a list, page by page as they are asked for. */
  items<T extends TSchema>(path: string, item: T, options?: CallOptions): AsyncIterable<Static<T>>;
  /** The project's events after `after` (0: from the first), then each as it happens, until `signal` aborts or the connection ends. */
  events(project: string, options: { readonly after: number; readonly signal?: AbortSignal }): AsyncIterable<Event>;
}

/** A client of one server. Runs in Node, Bun and browsers. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const call = <T extends TSchema>(method: string, path: string, body: unknown, schema: T, more: CallOptions = {}) =>
    callJson(options, { method, path, body, options: more }, schema);
  return {
    baseUrl: options.baseUrl,
    get: (path, schema, more) => call("GET", path, undefined, schema, more),
    post: (path, body, schema, more) => call("POST", path, body, schema, more),
    put: (path, body, schema, more) => call("PUT", path, body, schema, more),
    patch: (path, body, schema, more) => call("PATCH", path, body, schema, more),
    delete: async (path, more) => {
      await call("DELETE", path, undefined, Type.Unknown(), more);
    },
    async *items(path, item, more) {
      const schema = Page(item);
      let cursor: string | undefined;
      do {
        const page = await call("GET", path, undefined, schema, { ...more, query: { ...more?.query, cursor } });
        yield* page.items as Static<typeof item>[];
        cursor = page.next;
      } while (cursor !== undefined);
    },
    events: (project, more) => streamEvents(options, project, more),
  };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly options: CallOptions;
}

async function callJson<T extends TSchema>(client: ApiClientOptions, call: Call, schema: T): Promise<Static<T>> {
  const signal = deadlineSignal(call.options.timeoutMs ?? DEFAULT_TIMEOUT_MS, call.options.signal);
  const response = await send(client, call, signal);
  const text = await response.text();
  if (text.length > MAX_ANSWER_CHARACTERS) throw unexpected(call, "the answer is too long");
  const answer = parseJson(text);
  if (!response.ok) throw refusalOf(response, answer, call);
  if (!Value.Check(schema, answer)) {
    const [first] = Value.Errors(schema, answer);
    throw unexpected(call, `${first?.instancePath || "the answer"} ${first?.message ?? "does not fit"}`);
  }
  return answer as Static<T>;
}

async function send(client: ApiClientOptions, call: Call, signal: AbortSignal | undefined): Promise<Response> {
  const url = new URL(client.baseUrl + call.path);
  for (const [name, value] of Object.entries(call.options.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const headers: Record<string, string> = { accept: "application/json", ...call.options.headers };
  if (client.token !== undefined) headers.authorization = `Bearer ${client.token}`;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  try {
    return await (client.fetch ?? fetch)(url, {
      method: call.method,
      headers,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (call.options.signal?.aborted) throw call.options.signal.reason;
    throw new CodedError("server-unreachable", `no answer from ${client.baseUrl}`, { cause });
  }
}

async function* streamEvents(
  client: ApiClientOptions,
  project: string,
  options: { readonly after: number; readonly signal?: AbortSignal },
): AsyncGenerator<Event> {
  const path = `/api/v1/projects/${encodeURIComponent(project)}/events`;
  const headers = { accept: "text/event-stream", "last-event-id": String(options.after) };
  const call = {
    method: "GET",
    path,
    body: undefined,
    options: { headers, ...(options.signal ? { signal: options.signal } : {}) },
  };
  const response = await send(client, call, options.signal);
  if (!response.ok) throw refusalOf(response, parseJson(await response.text()), call);
  if (response.body === null) return;
  for await (const message of readServerSentEvents(response.body)) {
    const event = parseJson(message.data);
    if (!Value.Check(Event, event)) throw unexpected(call, "an event does not fit its schema");
    yield event;
  }
}

/** The value of JSON text; undefined when it is empty, and the text itself when it is no JSON. */
function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function refusalOf(response: Response, answer: unknown, call: Call): CodedError {
  const isProblem = (response.headers.get("content-type") ?? "").startsWith(PROBLEM_MEDIA_TYPE);
  if (!isProblem || !Value.Check(Problem, answer))
    return unexpected(call, `status ${response.status} without a problem document`);
  const { type, title, detail, code, ...details } = answer;
  return new CodedError(code, detail, { details });
}

function unexpected(call: Call, reason: string): CodedError {
  return new CodedError(
    "unexpected-response",
    `${call.method} ${call.path}: ${reason}. Do client and server have the same version?`,
  );
}
