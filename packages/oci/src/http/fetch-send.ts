import { CodedError } from "@flotilla/base/errors";
import { type ProxySettings, proxyFor } from "./proxy.ts";
import type { HttpRequest, HttpResponse, HttpSend } from "./send.ts";

interface FetchOptions {
  readonly ca?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
}

/** A transport over a `fetch` function. The certificates and the proxy go along in Bun's extensions; other runtimes ignore them. */
export function sendByFetch(fetcher: typeof fetch, options: FetchOptions = {}): HttpSend {
  return async (request) => {
    try {
      return toResponse(await fetcher(request.url, initOf(request, options)));
    } catch (cause) {
      if (request.signal?.aborted) throw request.signal.reason;
      throw new CodedError("registry-unreachable", `cannot reach ${request.url.host}`, { cause });
    }
  };
}

function initOf(request: HttpRequest, options: FetchOptions): RequestInit {
  const proxy = proxyFor(request.url, options.proxy);
  const extensions: Record<string, unknown> = {
    ...(options.ca === undefined ? {} : { tls: { ca: options.ca } }),
    ...(proxy === undefined ? {} : { proxy: proxy.href }),
    ...(request.body === undefined ? {} : { duplex: "half" }),
    // Blobs are compressed already and are verified as they are stored.
    decompress: false,
  };
  return {
    method: request.method,
    headers: { ...request.headers },
    redirect: "manual",
    ...(request.body === undefined ? {} : { body: request.body as NonNullable<RequestInit["body"]> }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
    ...extensions,
  };
}

function toResponse(response: Response): HttpResponse {
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: response.body ?? emptyBody(),
    discard() {
      response.body?.cancel().catch(() => {}); // it may have ended already
    },
  };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}
