import type { Digest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import { mapLimit } from "@flotilla/base/semaphore";
import type { FetchedManifest, RegistryClient } from "@flotilla/oci/client";
import type { Descriptor } from "@flotilla/oci/manifest";
import type { Actor } from "../../audit/events.ts";
import type { Content } from "../content.ts";
import { projectOf } from "../path.ts";
import type { Uploads } from "../uploads.ts";
import type { Flights } from "./flights.ts";

/** Blobs of one image that are fetched at a time. */
const PARALLEL_BLOBS = 3;
/** Bytes of all blobs of an image with all its platforms. */
const MAX_IMAGE_BYTES = 64 * 2 ** 30;
/** Manifests of one image: its platforms and their attestations. */
const MAX_MANIFESTS = 128;
/** Indexes inside indexes. */
const MAX_DEPTH = 3;

export interface FetchPorts {
  readonly content: Content;
  readonly uploads: Uploads;
  /** Blobs that come, of all images. */
  readonly blobFlights: Flights<void>;
}

export interface ImageFetch {
  readonly client: RegistryClient;
  /** The repository here. */
  readonly repository: string;
  /** The repository there. */
  readonly upstream: string;
  readonly root: FetchedManifest;
  readonly tags: readonly string[];
  readonly actor: Actor;
  readonly signal: AbortSignal;
}

/**
 * Brings what is missing of an image: blobs by the way of pushes (verified, scanned as they arrive, within the quota), then the manifests that name
 * them, the root last, so that a manifest that is here is whole.
 */
export async function fetchImage(ports: FetchPorts, fetch: ImageFetch): Promise<void> {
  const manifests = await collect(fetch);
  const blobs = new Map<Digest, Descriptor>();
  for (const { manifest } of manifests)
    if (manifest.kind === "image")
      for (const blob of [manifest.config, ...manifest.layers]) blobs.set(blob.digest, blob);
  let sizeBytes = 0;
  for (const { size } of blobs.values()) sizeBytes += size;
  if (sizeBytes > MAX_IMAGE_BYTES)
    throw new CodedError("too-large", `the image has ${sizeBytes} bytes; a mirror takes at most ${MAX_IMAGE_BYTES}`);
  await fetchBlobs(ports, fetch, [...blobs.values()]);
  for (const found of manifests.toReversed())
    await ports.content.putManifest({
      repository: fetch.repository,
      bytes: found.bytes,
      mediaType: found.mediaType,
      digest: found.digest,
      tags: found === fetch.root ? fetch.tags : [],
      actor: fetch.actor,
    });
}

/** The root and every manifest below it, parents first. */
async function collect({ client, upstream, root, signal }: ImageFetch): Promise<readonly FetchedManifest[]> {
  const found = new Map<Digest, FetchedManifest>([[root.digest, root]]);
  let level: readonly FetchedManifest[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    const next: FetchedManifest[] = [];
    for (const { manifest } of level)
      for (const { digest } of manifest.kind === "index" ? manifest.manifests : []) {
        if (found.has(digest)) continue;
        if (found.size >= MAX_MANIFESTS || depth >= MAX_DEPTH)
          throw new CodedError(
            "manifest-invalid",
            `the image has more than ${MAX_MANIFESTS} manifests or ${MAX_DEPTH} levels`,
          );
        const child = await client.getManifest(upstream, digest, signal);
        found.set(digest, child);
        next.push(child);
      }
    level = next;
  }
  return [...found.values()];
}

/** The first failure ends it: what waits does not begin, and what is under way, perhaps for another image too, ends by itself. */
async function fetchBlobs(ports: FetchPorts, fetch: ImageFetch, blobs: readonly Descriptor[]): Promise<void> {
  let isFailed = false;
  await mapLimit(blobs, PARALLEL_BLOBS, async (blob) => {
    fetch.signal.throwIfAborted();
    if (isFailed) return;
    try {
      await ports.blobFlights.run(`${fetch.repository} ${blob.digest}`, () => fetchBlob(ports, fetch, blob));
    } catch (error) {
      isFailed = true;
      throw error;
    }
  });
}

async function fetchBlob({ content, uploads }: FetchPorts, fetch: ImageFetch, blob: Descriptor): Promise<void> {
  const { client, repository, upstream, signal } = fetch;
  if ((await content.hasBlob(repository, blob.digest)) !== undefined) return;
  if (await linkFromProject(content, repository, blob.digest)) return;
  const upload = await uploads.start(repository);
  try {
    const stream = client.readBlob(upstream, blob, signal);
    await uploads.append(repository, upload, { stream, start: 0, sizeBytes: blob.size });
    await uploads.finish(repository, upload, blob.digest);
  } catch (error) {
    await uploads.cancel(repository, upload).catch((gone: unknown) => {
      if (!isCoded(gone, "upload-unknown")) throw gone; // it was removed with its refusal
    });
    // What the upload calls a broken connection is what the upstream's client said.
    throw isCoded(error, "upload-interrupted") && error.cause !== undefined ? error.cause : error;
  }
}

/** Whether another repository of the project had the blob, and this one now has it too. */
async function linkFromProject(content: Content, repository: string, digest: Digest): Promise<boolean> {
  const found = await content.findInProject(projectOf(repository), digest);
  if (found === undefined) return false;
  try {
    await content.linkBlob(repository, digest, found.sizeBytes);
    return true;
  } catch (error) {
    if (isCoded(error, "unavailable")) return false; // it was removed since it was found
    throw error;
  }
}
