import { CodedError } from "@flotilla/base/errors";
import type { HttpResponse } from "@flotilla/oci/http/send";
import type { FetcherOptions } from "./fetcher.ts";

const MAX_RETRY_AFTER_MS = 60 * 60_000;

export interface DownloadRequest {
  readonly path: string;
  readonly offset: number;
  /** Of the whole; checked against what the server says. */
  readonly sizeBytes?: number;
  readonly accept?: string;
}

export interface Download {
  /** Where `body` starts: what was asked for, or 0 when the server does not serve ranges. */
  readonly offset: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** One GET from the registry with the device's token; a token that is refused is replaced once. */
export async function openDownload(
  options: Pick<FetcherOptions, "server" | "send" | "tokens">,
  request: DownloadRequest,
  signal: AbortSignal,
): Promise<Download> {
  for (let refused = false; ; refused = true) {
    const token = await options.tokens.current(signal);
    const response = await options.send({
      method: "GET",
      url: new URL(request.path, options.server),
      headers: {
        authorization: `Bearer ${token}`,
        accept: request.accept ?? "application/octet-stream",
        "accept-encoding": "identity",
        ...(request.offset > 0 ? { range: `bytes=${request.offset}-` } : {}),
      },
      signal,
    });
    if (response.status === 401) options.tokens.forget(token);
    if (response.status === 401 && !refused) {
      response.discard();
      continue;
    }
    try {
      return { offset: checked(request, response), body: response.body };
    } catch (error) {
      response.discard();
      throw error;
    }
  }
}

/** The offset of a good answer. Everything that a proxy, a captive portal or a confused server may say instead is refused. */
function checked(request: DownloadRequest, response: HttpResponse): number {
  const { status } = response;
  if (status !== 200 && status !== 206) throw refusal(request, response);
  const type = response.header("content-type") ?? "";
  if (/^text\/html\b/i.test(type)) throw strange(request, "a web page; is there a captive portal on this network?");
  if (response.header("content-encoding") !== undefined && response.header("content-encoding") !== "identity")
    throw strange(request, "an encoded body, which was not asked for");
  if (status === 206) return checkedRange(request, response.header("content-range") ?? "");
  const length = response.header("content-length");
  if (request.sizeBytes !== undefined && length !== undefined && Number(length) !== request.sizeBytes)
    throw strange(request, `${length} bytes where ${request.sizeBytes} were expected`);
  return 0;
}

function checkedRange(request: DownloadRequest, range: string): number {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range);
  if (match === null || Number(match[1]) !== request.offset)
    throw strange(request, `the range "${range.slice(0, 80)}"`);
  if (request.sizeBytes !== undefined && Number(match[3]) !== request.sizeBytes)
    throw strange(request, `a blob of ${match[3]} bytes where ${request.sizeBytes} were expected`);
  return request.offset;
}

function refusal(request: DownloadRequest, response: HttpResponse): CodedError {
  const { status } = response;
  const what = `the server answered ${status} to ${request.path}`;
  if (status === 401 || status === 403) return new CodedError("registry-denied", what);
  if (status === 404) return new CodedError("registry-not-found", what);
  if (status === 416) return new CodedError("registry-range", what);
  if (status >= 300 && status < 400) return strange(request, `a redirect (${status}); is there a captive portal?`);
  if (status !== 429 && status < 500) return new CodedError("registry-failed", what);
  const seconds = Number(response.header("retry-after"));
  const retryAfterMs = seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : 0;
  return new CodedError("registry-busy", what, { details: { retryAfterMs } });
}

function strange(request: DownloadRequest, what: string): CodedError {
  return new CodedError("registry-strange", `${request.path}: the server answered with ${what}`);
}
