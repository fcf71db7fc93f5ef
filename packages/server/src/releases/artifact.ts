import { canonicalJson } from "@flotilla/base/canonical-json";
import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import { sha256 } from "@flotilla/oci/hash";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";
import {
  COMPOSE_LAYER_TYPE,
  FILE_LAYER_TYPE,
  RELEASE_ARTIFACT_TYPE,
  RELEASE_CONFIG_TYPE,
  type ReleaseDocument,
  type SBOM_ARTIFACT_TYPE,
  type VERDICT_ARTIFACT_TYPE,
} from "@flotilla/protocol/release";
import type { Actor } from "../audit/events.ts";
import type { Content } from "../registry/content.ts";
import type { ResolvedImage } from "./resolve-images.ts";

/** What devices accept of one release: its application, and its config files together. */
export const MAX_COMPOSE_BYTES = 2 * 1024 * 1024;
const MAX_FILES_BYTES = 32 * 1024 * 1024;

/** The bytes of a release, all of which follow from what it is made of: equal input has an equal digest. */
export interface ReleaseArtifact {
  readonly digest: Digest;
  readonly document: ReleaseDocument;
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
  readonly compose: Uint8Array;
}

/** Builds the artifact of a release from its app and its images. */
export function buildArtifact(app: NormalisedApp, images: readonly ResolvedImage[]): ReleaseArtifact {
  return artifactOf(
    {
      format: 1,
      app: app.name,
      createdAt: newest(images.flatMap((image) => image.created)),
      compose: sha256(encode(canonicalJson(app))),
      images: Object.fromEntries(images.map(({ image }) => [image.reference, image])),
    },
    app,
  );
}

/** The bytes of a release whose document is made already. */
export function artifactOf(document: ReleaseDocument, app: NormalisedApp): ReleaseArtifact {
  const compose = encode(canonicalJson(app));
  if (compose.length > MAX_COMPOSE_BYTES)
    throw new CodedError("too-large", `the application is larger than ${MAX_COMPOSE_BYTES} bytes`);
  const config = encode(canonicalJson(document));
  const files = filesOf(app).map(({ digest, sizeBytes }) => ({ mediaType: FILE_LAYER_TYPE, digest, size: sizeBytes }));
  const manifest = encode(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: RELEASE_ARTIFACT_TYPE,
      config: descriptor(RELEASE_CONFIG_TYPE, config),
      layers: [descriptor(COMPOSE_LAYER_TYPE, compose), ...files],
    }),
  );
  return { digest: sha256(manifest), document, manifest, config, compose };
}

/** Throws `file-unknown` unless the repository has every file that the app's configs mount, `too-large` when they are too much. */
export async function checkFiles(content: Content, repository: string, app: NormalisedApp): Promise<void> {
  const files = filesOf(app);
  if (files.reduce((sum, file) => sum + file.sizeBytes, 0) > MAX_FILES_BYTES)
    throw new CodedError("too-large", `the config files are larger than ${MAX_FILES_BYTES} bytes together`);
  for (const { digest, sizeBytes } of files)
    if ((await content.hasBlob(repository, digest)) !== sizeBytes)
      throw new CodedError(
        "file-unknown",
        `${repository} does not have the config file ${digest} of ${sizeBytes} bytes`,
      );
}

/** Stores the artifact in its repository; without a tag, so that it has no name before its row is written. */
export async function storeArtifact(
  content: Content,
  repository: string,
  artifact: ReleaseArtifact,
  actor: Actor,
): Promise<void> {
  await content.putBlob(repository, artifact.config);
  await content.putBlob(repository, artifact.compose);
  await content.putManifest({
    repository,
    bytes: artifact.manifest,
    mediaType: MEDIA_TYPES.ociManifest,
    digest: artifact.digest,
    tags: [],
    actor,
  });
}

/** An attached document: its manifest, and the blobs that the manifest names. */
export interface Referrer {
  readonly digest: Digest;
  readonly blobs: readonly Digest[];
}

/** Attaches a JSON document to the release as an OCI referrer. */
export async function attach(
  content: Content,
  repository: string,
  release: ReleaseArtifact,
  referrer: {
    readonly artifactType: typeof SBOM_ARTIFACT_TYPE | typeof VERDICT_ARTIFACT_TYPE;
    readonly text: string;
    readonly actor: Actor;
  },
): Promise<Referrer> {
  const body = encode(referrer.text);
  const empty = encode("{}");
  const blobs = [await content.putBlob(repository, body), await content.putBlob(repository, empty)];
  const bytes = encode(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: referrer.artifactType,
      config: descriptor(MEDIA_TYPES.ociEmpty, empty),
      layers: [descriptor(referrer.artifactType, body)],
      subject: { mediaType: MEDIA_TYPES.ociManifest, digest: release.digest, size: release.manifest.length },
    }),
  );
  const { actor } = referrer;
  const stored = await content.putManifest({ repository, bytes, mediaType: MEDIA_TYPES.ociManifest, tags: [], actor });
  return { digest: stored.digest, blobs };
}

/** Blobs and manifest of the artifact itself. */
export function artifactContents(artifact: ReleaseArtifact, app: NormalisedApp): readonly Digest[] {
  const files = filesOf(app).map(({ digest }) => digest);
  return [artifact.digest, sha256(artifact.config), sha256(artifact.compose), ...files];
}

/** The files that configs mount, each once, in the order of their digests. */
function filesOf(app: NormalisedApp): readonly { readonly digest: Digest; readonly sizeBytes: number }[] {
  const files = new Map<Digest, number>();
  for (const config of Object.values(app.configs))
    if (config.kind === "file") files.set(config.digest, config.sizeBytes);
  return [...files]
    .map(([digest, sizeBytes]) => ({ digest, sizeBytes }))
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

/**
 * When the newest image was made, so that the same images make the same release whenever it is asked for; when the release itself was made
 * stands in its row and its event. Images say what they like: what is no instant is passed over.
 */
function newest(created: readonly string[]): string {
  const times = created.map((text) => Date.parse(text)).filter((time) => Number.isFinite(time) && time > 0);
  return new Date(times.reduce((a, b) => Math.max(a, b), 0)).toISOString();
}

function descriptor(mediaType: string, bytes: Uint8Array) {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
