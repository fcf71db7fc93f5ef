import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { algorithmOf, type Digest, encodedPart, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { mismatch } from "./client/blobs.ts";
import type { FetchedManifest } from "./client.ts";
import type { ImageSource } from "./content.ts";
import { createDigester } from "./hash.ts";
import { MAX_CONFIG_BYTES, parseImageConfig } from "./image-config.ts";
import type { LocalImage, LocalLayer } from "./image-files.ts";
import { type Descriptor, MAX_MANIFEST_BYTES, type Manifest, parseManifest } from "./manifest.ts";
import { MEDIA_TYPES } from "./media-types.ts";
import { choosePlatform, formatPlatform, type Platform } from "./platform.ts";
import { openPositioned } from "./positioned.ts";

const NAME_ANNOTATION = "org.opencontainers.image.ref.name";

/** An OCI image layout on disk (image-spec, image-layout.md). */
export interface OciLayout extends ImageSource {
  /** What `index.json` lists. */
  readonly manifests: readonly Descriptor[];
  /** The tags in `index.json`. */
  readonly tags: readonly string[];
  blobPath(digest: Digest): string;
  /**
   * One image with its layers as local files. `name` is a tag or digest, and may be left out when there is one manifest; `platform` chooses in an
   * index, and may be left out when there is one. Throws `CodedError("layout-not-found" | "platform-missing")`.
   */
  image(name?: string, platform?: Platform): LocalImage;
}

/** Opens the layout in `folder`; throws `CodedError("layout-invalid")`. */
export function openLayout(folder: string): OciLayout {
  readSmall(join(folder, "oci-layout"), 4096);
  const index = parseManifest(readSmall(join(folder, "index.json"), MAX_MANIFEST_BYTES), MEDIA_TYPES.ociIndex);
  if (index.kind !== "index") throw invalid("index.json is not an index");
  const { manifests } = index;
  const blobPath = (digest: Digest) => join(folder, "blobs", algorithmOf(digest), encodedPart(digest));
  const fetchManifest = (descriptor: Pick<Descriptor, "digest" | "mediaType">): FetchedManifest => {
    const bytes = readVerified(blobPath(descriptor.digest), descriptor.digest, MAX_MANIFEST_BYTES);
    const manifest = parseManifest(bytes, descriptor.mediaType);
    return { digest: descriptor.digest, mediaType: manifest.mediaType, bytes, manifest };
  };
  return {
    manifests,
    tags: manifests.flatMap((descriptor) => descriptor.annotations?.[NAME_ANNOTATION] ?? []),
    blobPath,
    getManifest: async (name) => fetchManifest(find(manifests, name)),
    readBlob: (descriptor) => readBlobFile(blobPath(descriptor.digest), descriptor.digest),
    image(name, platform) {
      const found = fetchManifest(find(manifests, name));
      const chosen =
        found.manifest.kind === "image" ? found : fetchManifest(choose(found.manifest.manifests, platform));
      const names = manifests
        .filter(({ digest }) => digest === found.digest)
        .flatMap(({ annotations }) => annotations?.[NAME_ANNOTATION] ?? []);
      return imageOf(chosen.manifest, chosen.digest, names, blobPath);
    },
  };
}

/** A digest may name any manifest of the layout, also one inside an index. */
function find(manifests: readonly Descriptor[], name: string | undefined): Pick<Descriptor, "digest" | "mediaType"> {
  if (name === undefined) {
    const [only, ...others] = manifests;
    if (only !== undefined && others.length === 0) return only;
    throw notFound(`it holds ${manifests.length} manifests; name one by its tag or digest`);
  }
  const digest = parseDigest(name);
  const found = manifests.find(
    (descriptor) => descriptor.annotations?.[NAME_ANNOTATION] === name || descriptor.digest === digest,
  );
  if (found !== undefined) return found;
  if (digest !== undefined) return { digest, mediaType: "" };
  throw notFound(`it has no ${name.slice(0, 150)}`);
}

function choose(offers: readonly Descriptor[], platform: Platform | undefined): Descriptor {
  // Attestations stand beside images as `unknown/unknown`.
  const images = offers.filter((offer) => offer.platform?.os !== "unknown");
  const [only, ...others] = images;
  if (platform === undefined && only !== undefined && others.length === 0) return only;
  const chosen = platform && choosePlatform(images, (offer) => offer.platform, platform);
  if (chosen !== undefined) return chosen;
  const offered = images.map((offer) => (offer.platform ? formatPlatform(offer.platform) : "?")).join(", ");
  const wanted = platform === undefined ? "no platform was chosen" : `none is for ${formatPlatform(platform)}`;
  throw new CodedError("platform-missing", `OCI layout: ${wanted}; it holds ${offered || "no images"}`);
}

function imageOf(
  manifest: Manifest,
  manifestDigest: Digest,
  names: readonly string[],
  blobPath: (digest: Digest) => string,
): LocalImage {
  if (manifest.kind !== "image") throw invalid("an index stands inside an index");
  const bytes = readVerified(blobPath(manifest.config.digest), manifest.config.digest, MAX_CONFIG_BYTES);
  const config = parseImageConfig(bytes);
  if (config.diffIds.length !== manifest.layers.length)
    throw invalid(`its config names ${config.diffIds.length} layers, its manifest ${manifest.layers.length}`);
  const layers = manifest.layers.map((descriptor, index): LocalLayer => {
    const diffId = config.diffIds[index];
    if (diffId === undefined) throw invalid("a layer has no diff id");
    const file = blobPath(descriptor.digest);
    const sizeBytes = sizeOf(file);
    return { diffId, file, offset: 0, sizeBytes, open: () => openPositioned(file) };
  });
  return { config, configBytes: bytes, configDigest: manifest.config.digest, manifestDigest, names, layers };
}

async function* readBlobFile(path: string, digest: Digest): AsyncGenerator<Uint8Array> {
  sizeOf(path);
  const digester = createDigester(algorithmOf(digest));
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    digester.update(chunk as Buffer);
    yield chunk as Buffer;
  }
  if (digester.digest() !== digest) throw mismatch(digest, "other bytes");
}

function readVerified(path: string, digest: Digest, maxBytes: number): Buffer {
  const bytes = readSmall(path, maxBytes);
  const digester = createDigester(algorithmOf(digest));
  digester.update(bytes);
  if (digester.digest() !== digest) throw mismatch(digest, "other bytes");
  return bytes;
}

function readSmall(path: string, maxBytes: number): Buffer {
  if (sizeOf(path) > maxBytes) throw invalid(`${path} is larger than ${maxBytes} bytes`);
  return readFileSync(path);
}

function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw invalid(`${path} is missing`);
  return stat.size;
}

function invalid(why: string): CodedError {
  return new CodedError("layout-invalid", `OCI layout: ${why}`);
}

function notFound(why: string): CodedError {
  return new CodedError("layout-not-found", `OCI layout: ${why}`);
}
