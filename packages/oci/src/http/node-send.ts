import * as http from "node:http";
import * as https from "node:https";
import { Readable } from "node:stream";
import * as tls from "node:tls";
import { CodedError } from "@flotilla/base/errors";
import { type ProxySettings, proxyAuthorization, proxyFor } from "./proxy.ts";
import type { HttpBody, HttpRequest, HttpResponse, HttpSend } from "./send.ts";

interface NodeOptions {
  readonly ca?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
  readonly idleTimeoutMs: number;
}

const MAX_SOCKETS = 16;

/** The transport over `node:http(s)`: kept-alive connections, extra certificates, forward and tunnelling proxies. */
export function createNodeSend(options: NodeOptions): HttpSend {
  const authorities =
    options.ca === undefined ? {} : { ca: [...tls.rootCertificates, ...splitCertificates(options.ca)] };
  const plain = new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const secure = new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, ...authorities });
  return async (request) => {
    const { url } = request;
    const proxy = proxyFor(url, options.proxy);
    const base = requestOptions(request, options.idleTimeoutMs);
    if (proxy === undefined) {
      return url.protocol === "https:"
        ? exchange(https.request(url, { ...base, agent: secure }), request)
        : exchange(http.request(url, { ...base, agent: plain }), request);
    }
    if (url.protocol !== "https:") return exchange(http.request(forwardOptions(proxy, url, base)), request);
    const socket = await tunnel(proxy, url, authorities, options.idleTimeoutMs, request.signal);
    return exchange(https.request(url, { ...base, createConnection: () => socket }), request);
  };
}

function requestOptions(request: HttpRequest, idleTimeoutMs: number): http.RequestOptions {
  return {
    method: request.method,
    headers: withLength(request),
    timeout: idleTimeoutMs,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
}

function withLength(request: HttpRequest): Record<string, string> {
  const headers = { ...request.headers };
  if (request.body instanceof Uint8Array) headers["content-length"] = String(request.body.length);
  else if (request.body === undefined && request.method !== "GET" && request.method !== "HEAD")
    headers["content-length"] = "0";
  return headers;
}

function exchange(outgoing: http.ClientRequest, request: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    let answered = false;
    outgoing.on("response", (incoming) => {
      answered = true;
      resolve(toResponse(incoming));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("nothing moved on the connection for too long")));
    outgoing.on("error", (cause) => {
      if (!answered) reject(request.signal?.aborted ? request.signal.reason : unreachable(request.url, cause));
    });
    send(outgoing, request.body, reject);
  });
}

function send(outgoing: http.ClientRequest, body: HttpBody | undefined, fail: (error: unknown) => void): void {
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  const source = Readable.from(body, { objectMode: false });
  source.on("error", (error) => {
    fail(error);
    outgoing.destroy();
  });
  // The server may answer (and refuse) before it has read everything.
  outgoing.on("close", () => source.destroy());
  source.pipe(outgoing);
}

function toResponse(incoming: http.IncomingMessage): HttpResponse {
  return {
    status: incoming.statusCode ?? 0,
    header(name) {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: incoming,
    discard() {
      incoming.on("error", () => {}); // nobody waits for it any more
      incoming.resume();
    },
  };
}

function forwardOptions(proxy: URL, url: URL, base: http.RequestOptions): http.RequestOptions {
  const authorization = proxyAuthorization(proxy);
  return {
    ...base,
    host: proxy.hostname,
    port: proxy.port || 80,
    path: url.href,
    headers: {
      ...(base.headers as Record<string, string>),
      host: url.host,
      ...(authorization === undefined ? {} : { "proxy-authorization": authorization }),
    },
  };
}

/** A TLS connection to `url` through a CONNECT tunnel (RFC 9110 §9.3.6). */
function tunnel(
  proxy: URL,
  url: URL,
  authorities: tls.ConnectionOptions,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<tls.TLSSocket> {
  const target = `${url.hostname}:${url.port || 443}`;
  const authorization = proxyAuthorization(proxy);
  const outgoing = (proxy.protocol === "https:" ? https : http).request({
    method: "CONNECT",
    host: proxy.hostname,
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
    path: target,
    headers: { host: target, ...(authorization === undefined ? {} : { "proxy-authorization": authorization }) },
    timeout,
    agent: false,
    ...(signal === undefined ? {} : { signal }),
  });
  return new Promise((resolve, reject) => {
    outgoing.on("timeout", () => outgoing.destroy(new Error("the proxy does not answer")));
    outgoing.on("error", (cause) => reject(unreachable(proxy, cause)));
    outgoing.on("connect", (response, socket) => {
      if (response.statusCode === 200) resolve(tls.connect({ ...authorities, socket, servername: url.hostname }));
      else {
        socket.destroy();
        reject(unreachable(url, new Error(`the proxy answered ${response.statusCode}`)));
      }
    });
    outgoing.end();
  });
}

function splitCertificates(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}

function unreachable(url: URL, cause: unknown): CodedError {
  return new CodedError("registry-unreachable", `cannot reach ${url.host}`, { cause });
}
