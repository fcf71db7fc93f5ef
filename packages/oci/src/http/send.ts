import { sendByFetch } from "./fetch-send.ts";
import { createNodeSend } from "./node-send.ts";
import type { ProxySettings } from "./proxy.ts";

export type HttpBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body is read or discarded, always one of them. */
export interface HttpResponse {
  readonly status: number;
  /** Value of a header by its lower-case name. */
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

/** One HTTP exchange without following redirects; throws when the peer cannot be reached. */
export type HttpSend = (request: HttpRequest) => Promise<HttpResponse>;

export interface TransportOptions {
  /** PEM certificates trusted beside the system's. */
  readonly ca?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
  /** A connection on which nothing moves for so long is given up. */
  readonly idleTimeoutMs?: number;
}

const IDLE_TIMEOUT_MS = 60_000;

/** The transport of this runtime: `node:http(s)` on Node, `fetch` on Bun (where only it knows of proxies and certificates). */
export function createHttpSend(options: TransportOptions = {}): HttpSend {
  const full = { idleTimeoutMs: IDLE_TIMEOUT_MS, ...options };
  return "Bun" in globalThis ? sendByFetch(fetch, full) : createNodeSend(full);
}
