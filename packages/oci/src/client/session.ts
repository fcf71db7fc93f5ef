import { CodedError } from "@flotilla/base/errors";
import { answerChallenge, authorizationOf, type CredentialSource, currentCredentials } from "../http/auth.ts";
import type { HttpRequest, HttpResponse, HttpSend } from "../http/send.ts";

const MAX_REDIRECTS = 5;
const MAX_ERROR_BYTES = 64 * 1024;

export interface SessionRequest {
  readonly method: HttpRequest["method"];
  /** Path below the base URL, or an absolute URL that the registry gave (upload locations, next links). */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest["body"] | undefined;
  /** What token authentication asks for, `repository:<name>:pull,push`. */
  readonly scope: string;
  /** Statuses that are answers; every other one becomes an error. */
  readonly expect: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/** HTTP exchanges with one registry: authentication, redirects, coded errors. */
export interface Session {
  readonly baseUrl: URL;
  request(request: SessionRequest): Promise<HttpResponse>;
  /** Sees that later requests with this scope are authenticated, before a body that cannot be sent twice. */
  prepare(scope: string, signal?: AbortSignal): Promise<void>;
}

/** A session with the registry at `baseUrl`; tokens are kept by scope. */
export function createSession(baseUrl: URL, send: HttpSend, credentials: CredentialSource): Session {
  return new RegistrySession(baseUrl, send, credentials);
}

class RegistrySession implements Session {
  readonly baseUrl: URL;
  readonly #send: HttpSend;
  readonly #credentials: CredentialSource;
  /** What was accepted last, by scope. */
  readonly #authorizations = new Map<string, string>();

  constructor(baseUrl: URL, send: HttpSend, credentials: CredentialSource) {
    this.baseUrl = baseUrl;
    this.#send = send;
    this.#credentials = credentials;
  }

  async request(request: SessionRequest): Promise<HttpResponse> {
    const response = await this.#exchange(request);
    if (request.expect.includes(response.status)) return response;
    throw await failure(request, response, this.baseUrl);
  }

  async prepare(scope: string, signal?: AbortSignal): Promise<void> {
    if (this.#authorizations.has(scope)) return;
    const url = new URL("/v2/", this.baseUrl);
    const response = await this.#sendOnce({ method: "GET", target: url, scope, expect: [], signal }, url);
    const answered = response.status === 401 && (await this.#authenticate(response, scope, signal));
    if (!answered) response.discard();
  }

  async #exchange(request: SessionRequest): Promise<HttpResponse> {
    let url = new URL(request.target, this.baseUrl);
    let authenticated = false;
    for (let redirects = 0; ; ) {
      const response = await this.#sendOnce(request, url);
      if (response.status === 401 && this.#isOurs(url) && !authenticated && isRepeatable(request)) {
        authenticated = true;
        if (await this.#authenticate(response, request.scope, request.signal)) continue;
        throw await failure(request, response, url);
      }
      const location = isRedirect(response.status) ? response.header("location") : undefined;
      if (location === undefined || !isRepeatable(request)) return response;
      response.discard();
      if (++redirects > MAX_REDIRECTS)
        throw new CodedError("registry-failed", `${this.baseUrl.host} redirects without end`);
      url = followed(url, location);
    }
  }

  async #sendOnce(request: SessionRequest, url: URL): Promise<HttpResponse> {
    const authorization = this.#isOurs(url) ? await this.#authorizationFor(request.scope) : undefined;
    return this.#send({
      method: request.method,
      url,
      headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: request.signal,
    });
  }

  async #authorizationFor(scope: string): Promise<string | undefined> {
    const known = this.#authorizations.get(scope);
    if (known !== undefined) return known;
    const current = await currentCredentials(this.#credentials);
    return current?.kind === "bearer" ? authorizationOf(current) : undefined;
  }

  /** Answers the challenge in a 401; false when there is nothing to answer with, and then its body is not touched. */
  async #authenticate(response: HttpResponse, scope: string, signal: AbortSignal | undefined): Promise<boolean> {
    const header = response.header("www-authenticate");
    this.#authorizations.delete(scope);
    if (header === undefined) return false;
    const credentials = await currentCredentials(this.#credentials);
    const registry = this.baseUrl;
    const answer = await answerChallenge({ send: this.#send, registry, header, scope, credentials, signal });
    if (answer === undefined) return false;
    response.discard();
    this.#authorizations.set(scope, answer);
    return true;
  }

  #isOurs(url: URL): boolean {
    return url.origin === this.baseUrl.origin;
  }
}

/** All of a body, refusing more than `maxBytes`. */
export async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new CodedError("registry-failed", `${what} is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function isRepeatable(request: SessionRequest): boolean {
  return request.body === undefined || request.body instanceof Uint8Array;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function followed(from: URL, location: string): URL {
  const url = new URL(location, from);
  const safe = url.protocol === "https:" || (url.protocol === "http:" && from.protocol === "http:");
  if (!safe) throw new CodedError("registry-failed", `${from.host} redirects from TLS to ${url.protocol}`);
  return url;
}

const CODES: Readonly<Record<number, string>> = {
  401: "registry-unauthorized",
  403: "registry-denied",
  404: "registry-not-found",
  416: "registry-range",
  429: "registry-busy",
};

async function failure(request: SessionRequest, response: HttpResponse, url: URL): Promise<CodedError> {
  const said = await errorText(response);
  const code = CODES[response.status] ?? (response.status >= 500 ? "registry-busy" : "registry-failed");
  const path = new URL(request.target, url).pathname;
  return new CodedError(code, `${url.host} answered ${response.status} to ${request.method} ${path}${said.text}`, {
    details: { status: response.status, codes: said.codes },
  });
}

/** What the registry says of an error (distribution-spec, "Error Codes"), bounded. */
async function errorText(
  response: HttpResponse,
): Promise<{ readonly text: string; readonly codes: readonly string[] }> {
  try {
    const body = await readBounded(response.body, MAX_ERROR_BYTES, "the error");
    const document = JSON.parse(body.toString()) as { errors?: readonly { code?: unknown; message?: unknown }[] };
    const errors = (document.errors ?? []).slice(0, 5);
    const codes = errors.map(({ code }) => String(code).slice(0, 60));
    const text = errors.map(({ code, message }) => `${code} ${message ?? ""}`.trim().slice(0, 300)).join("; ");
    return { text: text === "" ? "" : `: ${text}`, codes };
  } catch {
    return { text: "", codes: [] }; // an error without a readable body is still told by its status
  }
}
