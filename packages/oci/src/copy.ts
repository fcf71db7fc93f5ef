import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { mapLimit } from "@flotilla/base/semaphore";
import type { FetchedManifest, RegistryClient } from "./client.ts";
import type { ImageSource } from "./content.ts";
import type { Descriptor } from "./manifest.ts";
import { choosePlatform, formatPlatform, type Platform } from "./platform.ts";

/** What is known of a copy under way. `totalBytes` is final once the first blob starts. */
export interface CopyProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Bytes that the target had already. */
  readonly skippedBytes: number;
}

export interface CopyOptions {
  readonly from: ImageSource;
  /** Tag or digest in the source. */
  readonly name: string;
  readonly to: RegistryClient;
  readonly repository: string;
  /** Also names the copy by this tag. */
  readonly tag?: string | undefined;
  /** Platforms to copy of an index; all when absent. The index itself is copied as it is, so its digest stays. */
  readonly platforms?: readonly Platform[] | undefined;
  /** Repositories of the target's registry that may have the blobs already (inside one project). */
  readonly mountFrom?: readonly string[] | undefined;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CopiedImage {
  /** Digest of what `name` resolved to: an index or a manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** The image manifests that were copied. */
  readonly manifests: readonly FetchedManifest[];
}

const PARALLEL_BLOBS = 4;

/**
 * Copies an image by digest: what the target has is not sent again, what another repository of it has is mounted. Manifests are pushed last, so
 * that nothing is named before it is whole.
 */
export async function copyImage(options: CopyOptions): Promise<CopiedImage> {
  const { from, to, repository, signal } = options;
  const root = await from.getManifest(options.name, signal);
  const manifests = await imageManifests(root, options);
  const blobs = blobsOf(manifests);
  const progress = createProgress(blobs, options.onProgress);
  await mapLimit(blobs, PARALLEL_BLOBS, (blob) => copyBlob(blob, options, progress));
  for (const manifest of manifests)
    if (manifest.digest !== root.digest) await to.putManifest(repository, manifest.digest, manifest, signal);
  await to.putManifest(repository, root.digest, root, signal);
  if (options.tag !== undefined) await to.putManifest(repository, options.tag, root, signal);
  return { digest: root.digest, mediaType: root.mediaType, manifests };
}

async function imageManifests(root: FetchedManifest, options: CopyOptions): Promise<readonly FetchedManifest[]> {
  if (root.manifest.kind === "image") return [root];
  const chosen = chooseManifests(root.manifest.manifests, options.platforms);
  const found: FetchedManifest[] = [];
  for (const { digest } of chosen) {
    const manifest = await options.from.getManifest(digest, options.signal);
    if (manifest.manifest.kind !== "image")
      throw new CodedError("manifest-invalid", `${digest} is an index inside an index, which is not supported`);
    found.push(manifest);
  }
  return found;
}

function chooseManifests(
  offers: readonly Descriptor[],
  platforms: readonly Platform[] | undefined,
): readonly Descriptor[] {
  if (platforms === undefined) return offers;
  const chosen = new Map<Digest, Descriptor>();
  for (const platform of platforms) {
    const offer = choosePlatform(offers, (descriptor) => descriptor.platform, platform);
    if (offer === undefined)
      throw new CodedError("platform-missing", `the image is not built for ${formatPlatform(platform)}`, {
        details: { platforms: offers.flatMap((each) => (each.platform ? [formatPlatform(each.platform)] : [])) },
      });
    chosen.set(offer.digest, offer);
  }
  return [...chosen.values()];
}

function blobsOf(manifests: readonly FetchedManifest[]): readonly Descriptor[] {
  const blobs = new Map<Digest, Descriptor>();
  for (const { manifest } of manifests)
    if (manifest.kind === "image")
      for (const descriptor of [...manifest.layers, manifest.config]) blobs.set(descriptor.digest, descriptor);
  return [...blobs.values()];
}

async function copyBlob(blob: Descriptor, options: CopyOptions, progress: Progress): Promise<void> {
  const { from, to, repository, signal } = options;
  if ((await to.blobSize(repository, blob.digest, signal)) !== undefined) return progress.skip(blob.size);
  for (const other of options.mountFrom ?? []) {
    if (other === repository || (await to.blobSize(other, blob.digest, signal)) === undefined) continue;
    if (await to.mountBlob(repository, blob.digest, other, signal)) return progress.skip(blob.size);
  }
  await to.pushBlob(
    repository,
    { digest: blob.digest, sizeBytes: blob.size, content: () => from.readBlob(blob, signal) },
    { onBytes: progress.add, signal },
  );
}

interface Progress {
  readonly add: (bytes: number) => void;
  readonly skip: (bytes: number) => void;
}

function createProgress(blobs: readonly Descriptor[], onProgress: CopyOptions["onProgress"]): Progress {
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
  let doneBytes = 0;
  let skippedBytes = 0;
  const tell = () => onProgress?.({ doneBytes, totalBytes, skippedBytes });
  tell();
  return {
    add(bytes) {
      doneBytes += bytes;
      tell();
    },
    skip(bytes) {
      doneBytes += bytes;
      skippedBytes += bytes;
      tell();
    },
  };
}
