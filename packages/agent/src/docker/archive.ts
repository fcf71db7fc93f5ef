import { canonicalJson } from "@flotilla/base/canonical-json";
import { asDigest, type Digest, encodedPart } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { decompressed } from "@flotilla/oci/decompress";
import { createDigester, sha256 } from "@flotilla/oci/hash";
import { padding, tarEnd, tarHeader } from "@flotilla/oci/tar/write";
import type { ReleasePlatform } from "@flotilla/protocol/release";
import type { Blobs } from "../ports.ts";

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** Largest uncompressed layer that is handed to an engine. */
export const MAX_LAYER_BYTES = 64 * 1024 ** 3;

/** An image as it goes to the engine: layers uncompressed and named by diff id, so that no bytes need to be made again. */
export interface HandOver {
  readonly manifest: { readonly digest: Digest; readonly bytes: Uint8Array };
  readonly config: { readonly digest: Digest; readonly bytes: Uint8Array };
  readonly layers: readonly HandOverLayer[];
}

export interface HandOverLayer {
  readonly diffId: Digest;
  /** The stored blob it comes from. */
  readonly blob: Digest;
  /** Of the uncompressed tar. */
  readonly sizeBytes: number;
}

/**
 * Reads every layer once, to learn its uncompressed size (a tar header comes before its body) and to refuse a layer whose bytes are not
 * what the config promises. Throws `image-damaged`, naming the blob, so that the caller can fetch it again.
 */
export async function prepareHandOver(
  platform: ReleasePlatform,
  blobs: Blobs,
  signal?: AbortSignal,
): Promise<HandOver> {
  const digest = asDigest(platform.config);
  const config = { digest, bytes: await blobs.readAll(digest, MAX_CONFIG_BYTES) };
  const layers: HandOverLayer[] = [];
  for (const layer of platform.layers)
    layers.push(await measureLayer(asDigest(layer.digest), asDigest(layer.diffId), blobs, signal));
  const bytes = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, digest, size: config.bytes.length },
      layers: layers.map((layer) => ({ mediaType: LAYER_TYPE, digest: layer.diffId, size: layer.sizeBytes })),
    }),
  );
  return { manifest: { digest: sha256(bytes), bytes }, config, layers };
}

/**
 * The hybrid archive of `POST /images/load`: an OCI layout and a docker archive in one. Graph drivers read `manifest.json`, the containerd
 * store `index.json`. Layers in `present` are named and left out.
 */
export async function* hybridArchive(
  image: HandOver,
  tag: string,
  blobs: Pick<Blobs, "read">,
  present: ReadonlySet<Digest>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield* smallFile("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  yield* smallFile("index.json", indexOf(image, tag));
  yield* smallFile("manifest.json", dockerManifest(image, tag));
  yield* smallFile(blobPath(image.manifest.digest), image.manifest.bytes);
  yield* smallFile(blobPath(image.config.digest), image.config.bytes);
  const written = new Set<Digest>();
  for (const layer of image.layers) {
    if (present.has(layer.diffId) || written.has(layer.diffId)) continue;
    written.add(layer.diffId);
    yield tarHeader({ path: blobPath(layer.diffId), kind: "file", sizeBytes: layer.sizeBytes });
    for await (const chunk of decompressed(blobs.read(layer.blob))) {
      signal?.throwIfAborted();
      yield chunk;
    }
    yield padding(layer.sizeBytes);
  }
  yield tarEnd();
}

async function measureLayer(blob: Digest, diffId: Digest, blobs: Blobs, signal?: AbortSignal): Promise<HandOverLayer> {
  const digester = createDigester();
  let sizeBytes = 0;
  for await (const chunk of decompressed(blobs.read(blob))) {
    signal?.throwIfAborted();
    digester.update(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_LAYER_BYTES) throw damaged(blob, `is larger than ${MAX_LAYER_BYTES} bytes when uncompressed`);
  }
  const found = digester.digest();
  if (found !== diffId) throw damaged(blob, `holds ${found}, not the layer ${diffId} of the image config`);
  return { diffId, blob, sizeBytes };
}

function damaged(blob: Digest, what: string): CodedError {
  return new CodedError("image-damaged", `layer ${blob} ${what}`, { details: { blob } });
}

function indexOf(image: HandOver, tag: string): Buffer {
  const annotations = {
    "io.containerd.image.name": `docker.io/${tag.includes("/") ? tag : `library/${tag}`}`,
    "org.opencontainers.image.ref.name": tag.slice(tag.lastIndexOf(":") + 1),
  };
  const { digest, bytes } = image.manifest;
  const manifests = [{ mediaType: MANIFEST_TYPE, digest, size: bytes.length, annotations }];
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests }),
  );
}

function dockerManifest(image: HandOver, tag: string): Buffer {
  const layers = image.layers.map((layer) => blobPath(layer.diffId));
  return Buffer.from(JSON.stringify([{ Config: blobPath(image.config.digest), RepoTags: [tag], Layers: layers }]));
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${encodedPart(digest)}`;
}

function* smallFile(path: string, content: Uint8Array): Generator<Uint8Array> {
  yield tarHeader({ path, kind: "file", sizeBytes: content.length });
  yield content;
  yield padding(content.length);
}
