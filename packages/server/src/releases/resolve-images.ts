import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import { type ImageConfig, MAX_CONFIG_BYTES, parseImageConfig } from "@flotilla/oci/image-config";
import { type Descriptor, type ImageManifest, type Manifest, parseManifest } from "@flotilla/oci/manifest";
import { isImageConfigType } from "@flotilla/oci/media-types";
import { formatPlatform, type Platform, parsePlatform, platformFits } from "@flotilla/oci/platform";
import type { ReleaseImageInput } from "@flotilla/protocol/api/releases";
import type { ReleaseImage, ReleasePlatform } from "@flotilla/protocol/release";
import type { Content } from "../registry/content.ts";
import { type PlatformMarks, provenanceOf } from "./provenance.ts";

/** Most platforms of one image in one release. */
const MAX_PLATFORMS = 32;

/** An image of a release: what the document says, and when its newest part was made. */
export interface ResolvedImage {
  readonly image: ReleaseImage;
  readonly created: readonly string[];
  /** What the image says of where it comes from, counting only these of its platforms (by manifest). */
  provenanceOf(manifests: ReadonlySet<string>): Readonly<Record<string, string>>;
}

export interface ImageRequest {
  readonly project: string;
  readonly app: NormalisedApp;
  readonly images: readonly ReleaseImageInput[];
  /** As `os/architecture[/variant]`; all that the registry has when absent. */
  readonly platforms?: readonly string[] | undefined;
}

/**
 * Finds every image of the app in the project's own registry, with its platforms, layers and diff ids. Throws `image-missing`,
 * `image-unknown`, `image-invalid`, `platform-missing` or `invalid-request`.
 */
export async function resolveImages(content: Content, request: ImageRequest): Promise<readonly ResolvedImage[]> {
  const wanted = new Set(Object.values(request.app.services).map((service) => service.image));
  const given = new Map(request.images.map((image) => [image.reference, image]));
  for (const image of request.images) {
    if (!wanted.has(image.reference))
      throw new CodedError("invalid-request", `no service of the app has the image ${image.reference}`);
    if (!image.repository.startsWith(`${request.project}/`))
      throw new CodedError(
        "image-unknown",
        `${image.repository} is not a repository of the project ${request.project}`,
      );
  }
  const platforms = (request.platforms ?? []).map(readPlatform);
  const result: ResolvedImage[] = [];
  for (const reference of [...wanted].toSorted()) {
    const image = given.get(reference);
    if (image === undefined)
      throw new CodedError("image-missing", `the request does not say where the image ${reference} was copied to`);
    result.push(await resolveImage(content, image, platforms));
  }
  return result;
}

async function resolveImage(
  content: Content,
  input: ReleaseImageInput,
  wanted: readonly Platform[],
): Promise<ResolvedImage> {
  const { reference, repository } = input;
  const digest = input.digest as Digest;
  const manifest = await readManifest(content, repository, digest);
  if (manifest === undefined)
    throw new CodedError("image-unknown", `${repository} does not have ${digest}: push the image ${reference} first`);
  const found = await readPlatforms(content, repository, digest, manifest);
  const chosen =
    wanted.length === 0 ? found : found.filter(({ platform }) => wanted.some((want) => fits(platform, want)));
  for (const want of wanted)
    if (!found.some(({ platform }) => fits(platform, want)))
      throw new CodedError("platform-missing", `the image ${reference} has no ${formatPlatform(want)} in the registry`);
  if (chosen.length === 0)
    throw new CodedError("image-invalid", `the image ${reference} has no manifest of a platform in the registry`);
  if (chosen.length > MAX_PLATFORMS)
    throw new CodedError(
      "image-invalid",
      `the image ${reference} has more than ${MAX_PLATFORMS} platforms: choose some`,
    );
  const claims = (manifests: ReadonlySet<string>) =>
    provenanceOf(
      manifest.annotations,
      chosen.filter(({ platform }) => manifests.has(platform.manifest)).map(({ marks }) => marks),
    );
  const provenance = claims(new Set(chosen.map(({ platform }) => platform.manifest)));
  return {
    image: {
      reference,
      repository,
      digest,
      platforms: chosen.map(({ platform }) => platform),
      ...(Object.keys(provenance).length === 0 ? {} : { provenance }),
    },
    created: chosen.flatMap(({ created }) => created ?? []),
    provenanceOf: claims,
  };
}

interface FoundPlatform {
  readonly platform: ReleasePlatform;
  readonly created: string | undefined;
  readonly marks: PlatformMarks;
}

async function readPlatforms(
  content: Content,
  repository: string,
  digest: Digest,
  manifest: Manifest,
): Promise<readonly FoundPlatform[]> {
  if (manifest.kind === "image") return [await readPlatformManifest(content, repository, digest, manifest)];
  const result: FoundPlatform[] = [];
  const seen = new Set<string>();
  for (const descriptor of manifest.manifests.filter(isPlatformImage)) {
    if (seen.has(descriptor.digest)) continue;
    seen.add(descriptor.digest);
    // An index may name platforms that were not copied.
    const inner = await readManifest(content, repository, descriptor.digest);
    if (inner?.kind === "image") result.push(await readPlatformManifest(content, repository, descriptor.digest, inner));
  }
  return result.toSorted((a, b) => (formatPlatform(a.platform) < formatPlatform(b.platform) ? -1 : 1));
}

/** Attestations stand in indexes under the platform unknown/unknown. */
function isPlatformImage({ platform, annotations }: Descriptor): boolean {
  return platform?.os !== "unknown" && annotations?.["vnd.docker.reference.type"] === undefined;
}

async function readPlatformManifest(
  content: Content,
  repository: string,
  digest: Digest,
  manifest: ImageManifest,
): Promise<FoundPlatform> {
  if (!isImageConfigType(manifest.config.mediaType))
    throw new CodedError("image-invalid", `${repository}@${digest} is no image of a container`);
  const config = await readConfig(content, repository, manifest.config);
  if (config.diffIds.length !== manifest.layers.length)
    throw new CodedError("image-invalid", `the config of ${repository}@${digest} does not fit its layers`);
  const layers = [];
  for (const [index, layer] of manifest.layers.entries()) {
    if ((await content.hasBlob(repository, layer.digest)) === undefined)
      throw new CodedError("image-unknown", `${repository} does not have the layer ${layer.digest}: push it again`);
    const diffId = config.diffIds[index] ?? layer.digest;
    layers.push({ mediaType: layer.mediaType, digest: layer.digest, sizeBytes: layer.size, diffId });
  }
  const configSizeBytes = manifest.config.size;
  const platform = { ...config.platform, manifest: digest, config: manifest.config.digest, configSizeBytes, layers };
  return {
    platform,
    created: config.created,
    marks: { annotations: manifest.annotations, labels: config.run.Labels },
  };
}

async function readManifest(content: Content, repository: string, digest: Digest): Promise<Manifest | undefined> {
  const stored = await content.getManifest(repository, { kind: "digest", digest });
  return stored === undefined ? undefined : parseManifest(stored.bytes, stored.mediaType);
}

async function readConfig(content: Content, repository: string, config: Descriptor): Promise<ImageConfig> {
  const sizeBytes = await content.hasBlob(repository, config.digest);
  if (sizeBytes === undefined || sizeBytes > MAX_CONFIG_BYTES)
    throw new CodedError(
      "image-unknown",
      `${repository} does not have the image config ${config.digest}: push it again`,
    );
  const parts: Uint8Array[] = [];
  for await (const chunk of content.blobs.read(config.digest)) parts.push(chunk);
  return parseImageConfig(Buffer.concat(parts));
}

function readPlatform(text: string): Platform {
  const platform = parsePlatform(text);
  if (platform === undefined) throw new CodedError("invalid-request", `${text} is not a platform`);
  return platform;
}

/** The same platform: `linux/arm/v7` asks for v7, `linux/arm` for any variant that fits. */
function fits(offered: Platform, wanted: Platform): boolean {
  if (wanted.variant !== undefined && offered.variant !== undefined)
    return formatPlatform(offered) === formatPlatform(wanted);
  return platformFits(offered, wanted);
}
