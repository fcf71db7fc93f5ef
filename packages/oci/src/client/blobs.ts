import { algorithmOf, type Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { createDigester } from "../hash.ts";
import type { Session } from "./session.ts";

/** A blob, or the rest of one, as it arrives. Not verified: whoever puts the pieces together does that. */
export interface OpenBlob {
  /** Where `body` starts: the offset asked for, or 0 when the registry does not serve ranges. */
  readonly offset: number;
  /** Size of the whole blob, when the registry says so. */
  readonly sizeBytes: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface BlobRange {
  readonly offset?: number;
  /** Exclusive. */
  readonly end?: number;
  readonly signal?: AbortSignal | undefined;
}

/** How often reading a blob goes on after the connection broke. */
const MAX_RESUMES = 5;

/** Size of the blob, or undefined when the registry does not have it. */
export async function blobSize(
  session: Session,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const response = await session.request({
    method: "HEAD",
    target: `/v2/${repository}/blobs/${digest}`,
    scope: pullScope(repository),
    expect: [200, 404],
    signal,
  });
  response.discard();
  return response.status === 404 ? undefined : (parseSize(response.header("content-length")) ?? 0);
}

/** Opens a blob at an offset; throws `CodedError("registry-not-found")` when it is not there. */
export async function openBlob(
  session: Session,
  repository: string,
  digest: Digest,
  range: BlobRange = {},
): Promise<OpenBlob> {
  const offset = range.offset ?? 0;
  const ranged = offset > 0 || range.end !== undefined;
  const last = range.end === undefined ? "" : String(range.end - 1);
  const response = await session.request({
    method: "GET",
    target: `/v2/${repository}/blobs/${digest}`,
    headers: ranged ? { range: `bytes=${offset}-${last}` } : {},
    scope: pullScope(repository),
    expect: [200, 206],
    signal: range.signal,
  });
  if (response.status === 200)
    return { offset: 0, sizeBytes: parseSize(response.header("content-length")), body: response.body };
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.header("content-range") ?? "");
  if (match === null || Number(match[1]) !== offset) {
    response.discard();
    throw new CodedError("registry-failed", `${session.baseUrl.host} answered another range than was asked for`);
  }
  return { offset, sizeBytes: parseSize(match[2]), body: response.body };
}

/**
 * The whole blob, verified: throws `CodedError("digest-mismatch")` at the end when the bytes are others, at once when they are too many. Goes on by
 * range where a connection broke.
 */
export async function* readBlob(
  session: Session,
  repository: string,
  blob: { readonly digest: Digest; readonly size?: number },
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const digester = createDigester(algorithmOf(blob.digest));
  let done = 0;
  for (let resumes = 0; ; resumes++) {
    try {
      for await (const chunk of remaining(session, repository, blob.digest, done, signal)) {
        done += chunk.length;
        if (blob.size !== undefined && done > blob.size) throw mismatch(blob.digest, `more than ${blob.size} bytes`);
        digester.update(chunk);
        yield chunk;
      }
      if (blob.size === undefined || done === blob.size) break;
      throw new CodedError("registry-unreachable", `the connection ended ${blob.size - done} bytes too early`);
    } catch (error) {
      if (resumes >= MAX_RESUMES || signal?.aborted || isFinal(error)) throw error;
    }
  }
  if (digester.digest() !== blob.digest) throw mismatch(blob.digest, "other bytes");
}

async function* remaining(
  session: Session,
  repository: string,
  digest: Digest,
  from: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const open = await openBlob(session, repository, digest, { offset: from, signal });
  let skip = from - open.offset;
  for await (const chunk of open.body) {
    const rest = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

/** Token scope for reading. */
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

/** Token scope for writing. */
export function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`;
}

/** The error of content that is not what its digest says. */
export function mismatch(digest: string, why: string): CodedError {
  return new CodedError("digest-mismatch", `content of ${digest}: ${why} arrived`);
}

function isFinal(error: unknown): boolean {
  return error instanceof CodedError && error.code !== "registry-unreachable" && error.code !== "registry-busy";
}

function parseSize(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
