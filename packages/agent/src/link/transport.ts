import * as http from "node:http";
import * as https from "node:https";
import { isIP, type Socket } from "node:net";
import * as tls from "node:tls";
import { deadlineSignal } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { type ProxySettings, proxyAuthorization, proxyFor } from "@flotilla/oci/http/proxy";
import type { HttpRequest, HttpResponse, HttpSend } from "@flotilla/oci/http/send";

/**
 * Whom the device believes to be its server. `pinned`: these certificates and no others. `system`: what the system trusts, and these.
 * `unchecked`: anybody, for the one public document whose digest is known beforehand.
 */
export type Trust =
  | { readonly kind: "unchecked" }
  | { readonly kind: "system"; readonly extraPem?: string | undefined }
  | { readonly kind: "pinned"; readonly pem: string };

export interface TransportOptions {
  readonly trust: Trust;
  readonly proxy: ProxySettings | undefined;
  /** A connection on which nothing moves for so long is given up. */
  readonly idleTimeoutMs?: number;
}

/** Connections to the server: certificates, proxies and time limits in one place, for HTTP and WebSocket alike. */
export interface Transport {
  readonly send: HttpSend;
  /** What a client needs to reach `url`: certificates, and a connection when it goes through a proxy. */
  dial(url: URL, signal?: AbortSignal): Promise<Dial>;
}

export interface Dial {
  readonly ca?: string[];
  /** False only for {@link Trust} `unchecked`. */
  readonly rejectUnauthorized?: boolean;
  readonly createConnection?: () => tls.TLSSocket;
}

const IDLE_TIMEOUT_MS = 60_000;

/** The transport over `node:http(s)`, the same on Node and in the compiled executable. */
export function createTransport(options: TransportOptions): Transport {
  const certificates = certificatesFor(options.trust);
  const timeout = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
  async function dial(url: URL, signal?: AbortSignal): Promise<Dial> {
    const secure = url.protocol === "https:" || url.protocol === "wss:";
    const target = new URL(url.href.replace(/^ws/, "http"));
    const proxy = secure ? proxyFor(target, options.proxy) : undefined;
    if (proxy === undefined) return certificates;
    const socket = await tunnel(proxy, target, { certificates, timeout, signal });
    return { ...certificates, createConnection: () => socket };
  }
  return {
    dial,
    async send(request) {
      const base = { method: request.method, headers: withLength(request), timeout, ...signalOf(request.signal) };
      const plainProxy = request.url.protocol === "http:" ? proxyFor(request.url, options.proxy) : undefined;
      if (plainProxy !== undefined) return exchange(http.request(forwarded(plainProxy, request, base)), request);
      if (request.url.protocol === "http:")
        return exchange(http.request(request.url, { ...base, agent: false }), request);
      const dialled = await dial(request.url, request.signal);
      const connection = dialled.createConnection === undefined ? { agent: false } : {};
      return exchange(https.request(request.url, { ...base, ...dialled, ...connection }), request);
    },
  };
}

function certificatesFor(trust: Trust): Dial {
  switch (trust.kind) {
    case "unchecked":
      return { rejectUnauthorized: false };
    case "pinned":
      return { ca: certificatesIn(trust.pem) };
    case "system":
      return trust.extraPem === undefined ? {} : { ca: [...tls.rootCertificates, ...certificatesIn(trust.extraPem)] };
  }
}

/** The certificates in PEM text; throws `bad-certificate` when there is none. */
export function certificatesIn(pem: string): string[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (found === null) throw new CodedError("bad-certificate", "the CA file holds no PEM certificate");
  return [...found];
}

interface TunnelOptions {
  readonly certificates: Dial;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** A TLS connection to `url` through a CONNECT tunnel (RFC 9110 §9.3.6). Its time limit ends with the handshake. */
async function tunnel(proxy: URL, url: URL, options: TunnelOptions): Promise<tls.TLSSocket> {
  const deadline = deadlineSignal(options.timeout, options.signal);
  const plain = await connectThrough(proxy, `${url.hostname}:${url.port || 443}`, deadline);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const name = isIP(host) === 0 ? { servername: host } : { host };
  const secure = tls.connect({ socket: plain, ...name, ...options.certificates });
  return untilAborted(
    deadline,
    () => secure.destroy(),
    (resolve, reject) => {
      secure.once("secureConnect", () => resolve(secure));
      secure.once("error", (cause) => reject(unreachable(url, cause)));
    },
  );
}

function connectThrough(proxy: URL, target: string, deadline: AbortSignal): Promise<Socket> {
  const outgoing = (proxy.protocol === "https:" ? https : http).request({
    method: "CONNECT",
    host: proxy.hostname,
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
    path: target,
    headers: { host: target, ...authorizationFor(proxy) },
    agent: false,
  });
  return untilAborted(
    deadline,
    () => outgoing.destroy(),
    (resolve, reject) => {
      outgoing.on("error", (cause) => reject(unreachable(proxy, cause)));
      outgoing.on("connect", (response, socket: Socket) => {
        if (response.statusCode === 200) return resolve(socket);
        socket.destroy();
        reject(unreachable(proxy, new Error(`the proxy answered ${response.statusCode} to CONNECT ${target}`)));
      });
      outgoing.end();
    },
  );
}

/** A promise that rejects, after `cancel`, when the signal aborts first; afterwards the signal means nothing to it. */
function untilAborted<T>(
  signal: AbortSignal,
  cancel: () => void,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const settle =
      <V>(then: (value: V) => void) =>
      (value: V) => {
        signal.removeEventListener("abort", onAbort);
        then(value);
      };
    start(settle(resolve), settle(reject));
  });
}

function forwarded(proxy: URL, request: HttpRequest, base: http.RequestOptions): http.RequestOptions {
  const headers = { ...(base.headers as Record<string, string>), host: request.url.host, ...authorizationFor(proxy) };
  return { ...base, agent: false, host: proxy.hostname, port: proxy.port || 80, path: request.url.href, headers };
}

function authorizationFor(proxy: URL): Record<string, string> {
  const authorization = proxyAuthorization(proxy);
  return authorization === undefined ? {} : { "proxy-authorization": authorization };
}

function exchange(outgoing: http.ClientRequest, request: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    outgoing.on("response", (incoming) => resolve(toResponse(incoming)));
    outgoing.on("timeout", () => outgoing.destroy(new Error("nothing moved on the connection for too long")));
    outgoing.on("error", (cause) => {
      reject(request.signal?.aborted ? request.signal.reason : unreachable(request.url, cause));
    });
    if (request.body === undefined || request.body instanceof Uint8Array) outgoing.end(request.body);
    else outgoing.destroy(new TypeError("the device sends no streams"));
  });
}

function toResponse(incoming: http.IncomingMessage): HttpResponse {
  return {
    status: incoming.statusCode ?? 0,
    header(name) {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: incoming,
    discard: () => incoming.destroy(),
  };
}

function withLength(request: HttpRequest): Record<string, string> {
  const length = request.body instanceof Uint8Array ? { "content-length": String(request.body.length) } : {};
  return { ...request.headers, ...length };
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function unreachable(url: URL, cause: unknown): CodedError {
  return new CodedError("server-unreachable", `cannot reach ${url.host}`, { cause });
}
