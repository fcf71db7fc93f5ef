import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { HttpResponse } from "../http/send.ts";
import { pushScope } from "./blobs.ts";
import type { Session } from "./session.ts";

/** A blob to push. A stream needs its size, so that the registry learns it before the first byte. */
export interface NewBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The bytes; a stream is asked for anew if the push starts over. */
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>);
}

export interface PushOptions {
  /** Pushes in requests of so many bytes (PATCH); without, in one (PUT). */
  readonly chunkBytes?: number | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Takes over a blob from another repository of the same registry; false when the registry wants the bytes. */
export async function mountBlob(
  session: Session,
  repository: string,
  digest: Digest,
  from: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  const response = await session.request({
    method: "POST",
    target: `/v2/${repository}/blobs/uploads/?${query}`,
    scope: pushScope(repository),
    expect: [201, 202],
    signal,
  });
  const location = response.header("location");
  response.discard();
  if (response.status === 201) return true;
  if (location !== undefined) await cancel(session, repository, location);
  return false;
}

/** Pushes one blob, verified by the registry (distribution-spec, "Pushing blobs"). */
export async function pushBlob(
  session: Session,
  repository: string,
  blob: NewBlob,
  options: PushOptions = {},
): Promise<void> {
  await session.prepare(pushScope(repository), options.signal);
  const start = await session.request({
    method: "POST",
    target: `/v2/${repository}/blobs/uploads/`,
    scope: pushScope(repository),
    expect: [202],
    signal: options.signal,
  });
  start.discard();
  let location = uploadLocation(session, start);
  try {
    if (options.chunkBytes === undefined) await finish(session, repository, location, blob, options);
    else {
      location = await pushChunks(session, repository, location, blob, options);
      await finish(session, repository, location, { ...blob, sizeBytes: 0, content: Buffer.alloc(0) }, options);
    }
  } catch (error) {
    await cancel(session, repository, location);
    throw error;
  }
}

async function pushChunks(
  session: Session,
  repository: string,
  location: URL,
  blob: NewBlob,
  options: PushOptions,
): Promise<URL> {
  let offset = 0;
  let next = location;
  for await (const chunk of rechunk(streamOf(blob), options.chunkBytes ?? blob.sizeBytes)) {
    const response = await session.request({
      method: "PATCH",
      target: next,
      headers: {
        "content-type": "application/octet-stream",
        "content-range": `${offset}-${offset + chunk.length - 1}`,
      },
      body: chunk,
      scope: pushScope(repository),
      expect: [202],
      signal: options.signal,
    });
    response.discard();
    next = uploadLocation(session, response);
    offset += chunk.length;
    options.onBytes?.(chunk.length);
  }
  return next;
}

async function finish(
  session: Session,
  repository: string,
  location: URL,
  blob: NewBlob,
  options: PushOptions,
): Promise<void> {
  const target = new URL(location);
  target.searchParams.set("digest", blob.digest);
  const response = await session.request({
    method: "PUT",
    target,
    headers: { "content-type": "application/octet-stream", "content-length": String(blob.sizeBytes) },
    body: blob.content instanceof Uint8Array ? blob.content : counted(blob.content(), options.onBytes),
    scope: pushScope(repository),
    expect: [201],
    signal: options.signal,
  });
  const stored = parseDigest(response.header("docker-content-digest") ?? "");
  response.discard();
  if (blob.content instanceof Uint8Array && blob.sizeBytes > 0) options.onBytes?.(blob.sizeBytes);
  if (stored !== undefined && stored !== blob.digest)
    throw new CodedError("digest-mismatch", `the registry stored ${stored} instead of ${blob.digest}`);
}

async function cancel(session: Session, repository: string, location: string | URL): Promise<void> {
  try {
    const response = await session.request({
      method: "DELETE",
      target: location,
      scope: pushScope(repository),
      expect: [204, 200, 202, 404, 405],
    });
    response.discard();
  } catch {
    // Tidying up for the registry's sake; it ends old uploads by itself, and the first error is the one to tell.
  }
}

function uploadLocation(session: Session, response: HttpResponse): URL {
  const location = response.header("location");
  if (location === undefined)
    throw new CodedError("registry-failed", `${session.baseUrl.host} gave no location for the upload`);
  return new URL(location, session.baseUrl);
}

async function* streamOf(blob: NewBlob): AsyncGenerator<Uint8Array> {
  if (blob.content instanceof Uint8Array) yield blob.content;
  else yield* blob.content();
}

async function* counted(
  stream: AsyncIterable<Uint8Array>,
  onBytes: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    yield chunk;
    onBytes?.(chunk.length);
  }
}

async function* rechunk(stream: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + size - heldBytes);
      held.push(part);
      heldBytes += part.length;
      at += part.length;
      if (heldBytes < size) continue;
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
