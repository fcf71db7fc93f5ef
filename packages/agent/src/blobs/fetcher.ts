import type { Clock } from "@flotilla/base/clock";
import type { Digest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import type { Log } from "@flotilla/base/log";
import { type Backoff, backoffMs } from "@flotilla/base/retry";
import { Semaphore } from "@flotilla/base/semaphore";
import { sha256 } from "@flotilla/oci/hash";
import type { HttpSend } from "@flotilla/oci/http/send";
import { MAX_MANIFEST_BYTES } from "@flotilla/oci/manifest";
import { ACCEPT_MANIFESTS } from "@flotilla/oci/media-types";
import type { Fetcher } from "../ports.ts";
import type { BlobStore } from "./blob-store.ts";
import type { Partial } from "./partial.ts";
import { openDownload } from "./registry-get.ts";

/** Attempts in a row that bring no byte before a download is given up. */
const FRUITLESS: Backoff = { firstMs: 1000, maxMs: 60_000, attempts: 8 };
/** Whole blobs that turn out to be other bytes. */
const MAX_DAMAGED = 3;

export interface FetcherOptions {
  /** Base URL of the server, whose `/v2/` is the registry. */
  readonly server: URL;
  readonly send: HttpSend;
  readonly tokens: { current(signal: AbortSignal): Promise<string>; forget(token: string): void };
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

type Wanted = Parameters<Fetcher["fetch"]>[0];

/**
 * Downloads from the server's registry into the blob store, one at a time so that the device's line stays usable. Every broken attempt goes
 * on where the bytes ended; as long as bytes come it does not give up. Codes: `download-failed`, `registry-denied`, `registry-not-found`,
 * `blob-damaged`, `token-unavailable`.
 */
export function createFetcher(options: FetcherOptions): Fetcher {
  const line = new Semaphore(1);
  return {
    fetch: (blob, onProgress, signal) => line.run(() => fetchBlob(options, blob, onProgress, signal)),
    fetchManifest: (repository, digest, signal) => line.run(() => fetchManifest(options, repository, digest, signal)),
  };
}

async function fetchBlob(
  options: FetcherOptions,
  blob: Wanted,
  onProgress: (doneBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (await options.blobs.has(blob.digest)) return onProgress(blob.sizeBytes);
  await using partial = await options.blobs.partial(blob.digest);
  let damaged = 0;
  await persist(options, blob.digest, signal, async () => {
    const before = partial.sizeBytes;
    if (before > blob.sizeBytes) await partial.reset();
    try {
      if (partial.sizeBytes < blob.sizeBytes) await download(options, blob, partial, onProgress, signal);
      await partial.commit();
      return "done";
    } catch (error) {
      if (isCoded(error, "blob-damaged") && ++damaged >= MAX_DAMAGED) throw error;
      if (isCoded(error, "registry-range")) await partial.reset();
      return { error, progressed: partial.sizeBytes > before };
    }
  });
}

/** Appends what is missing; throws when the connection ends before the blob does. */
async function download(
  options: FetcherOptions,
  blob: Wanted,
  partial: Partial,
  onProgress: (doneBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const path = `/v2/${blob.repository}/blobs/${blob.digest}`;
  const offset = partial.sizeBytes;
  const answer = await openDownload(options, { path, offset, sizeBytes: blob.sizeBytes }, signal);
  if (answer.offset !== offset) await partial.reset();
  onProgress(partial.sizeBytes);
  for await (const chunk of answer.body) {
    if (partial.sizeBytes + chunk.length > blob.sizeBytes)
      throw new CodedError("blob-damaged", `more than ${blob.sizeBytes} bytes came for ${blob.digest}`);
    await partial.append(chunk);
    onProgress(partial.sizeBytes);
    signal.throwIfAborted();
  }
  if (partial.sizeBytes < blob.sizeBytes)
    throw new CodedError("download-broken", `the connection ended at byte ${partial.sizeBytes} of ${blob.sizeBytes}`);
}

async function fetchManifest(
  options: FetcherOptions,
  repository: string,
  digest: Digest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let bytes: Uint8Array = new Uint8Array();
  await persist(options, digest, signal, async () => {
    try {
      const path = `/v2/${repository}/manifests/${digest}`;
      const { body } = await openDownload(options, { path, offset: 0, accept: ACCEPT_MANIFESTS }, signal);
      bytes = await readBounded(body, MAX_MANIFEST_BYTES);
      if (sha256(bytes) === digest) return "done";
      throw new CodedError("blob-damaged", `the manifest that came for ${digest} is another`);
    } catch (error) {
      return { error, progressed: false };
    }
  });
  return bytes;
}

type Attempt = "done" | { readonly error: unknown; readonly progressed: boolean };

/** Tries until done; gives up on what cannot change and after too many attempts in a row without a byte. */
async function persist(
  options: FetcherOptions,
  digest: Digest,
  signal: AbortSignal,
  attempt: () => Promise<Attempt>,
): Promise<void> {
  const { clock, log } = options;
  for (let fruitless = 1; ; fruitless++) {
    const result = await attempt();
    if (result === "done") return;
    if (signal.aborted) throw signal.reason;
    if (isFinal(result.error)) throw result.error;
    if (result.progressed) fruitless = 1;
    if (fruitless >= FRUITLESS.attempts)
      throw new CodedError("download-failed", `${digest} could not be downloaded`, { cause: result.error });
    const asked = retryAfterMs(result.error);
    const waitMs = asked + backoffMs(FRUITLESS, fruitless, (options.random ?? Math.random)());
    log.info({ digest, waitMs, reason: String(result.error) }, "a download was interrupted");
    await clock.sleep(waitMs, signal);
  }
}

const PASSING = [
  "download-broken",
  "blob-damaged",
  "server-unreachable",
  "registry-busy",
  "registry-strange",
  "registry-range",
];

/** Plain errors are the socket's (it broke in the middle) or the disk's; a full disk does not pass. */
function isFinal(error: unknown): boolean {
  if (error instanceof CodedError) return !PASSING.includes(error.code);
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function retryAfterMs(error: unknown): number {
  const asked = error instanceof CodedError ? error.details["retryAfterMs"] : undefined;
  return typeof asked === "number" ? asked : 0;
}

async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes)
      throw new CodedError("registry-too-large", `the server's answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
