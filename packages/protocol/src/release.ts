import { type Static, Type } from "typebox";
import { AppName, DigestText } from "./target.ts";

/** `artifactType` of a release's manifest, and media types of its parts. */
export const RELEASE_ARTIFACT_TYPE = "application/vnd.flotilla.release.v1+json";
export const RELEASE_CONFIG_TYPE = "application/vnd.flotilla.release.config.v1+json";
/** First layer: the `NormalisedApp` as canonical JSON. */
export const COMPOSE_LAYER_TYPE = "application/vnd.flotilla.compose.v1+json";
/** Further layers: files that the app mounts as configs, named by their digest. */
export const FILE_LAYER_TYPE = "application/vnd.flotilla.file.v1";
/** Referrers of a release. */
export const SBOM_ARTIFACT_TYPE = "application/vnd.cyclonedx+json";
export const VERDICT_ARTIFACT_TYPE = "application/vnd.flotilla.verdict.v1+json";

export const ReleaseLayer = Type.Object({
  mediaType: Type.String(),
  /** Digest and size of the blob in the registry (usually gzip). */
  digest: DigestText,
  sizeBytes: Type.Integer({ minimum: 0 }),
  /** Digest of the uncompressed tar. */
  diffId: DigestText,
});
export type ReleaseLayer = Static<typeof ReleaseLayer>;

export const ReleasePlatform = Type.Object({
  os: Type.String(),
  architecture: Type.String(),
  variant: Type.Optional(Type.String()),
  /** Digest of this platform's image manifest. */
  manifest: DigestText,
  /** Image identity on the device: digest of the image config. */
  config: DigestText,
  configSizeBytes: Type.Integer({ minimum: 0 }),
  layers: Type.Array(ReleaseLayer, { maxItems: 200 }),
});
export type ReleasePlatform = Static<typeof ReleasePlatform>;

export const ReleaseImage = Type.Object({
  /** As written in the compose file. */
  reference: Type.String(),
  /** Where it was copied to, `<project>/<name>`. */
  repository: Type.String(),
  /** Digest of the index or single manifest that the reference resolved to. */
  digest: DigestText,
  platforms: Type.Array(ReleasePlatform, { minItems: 1, maxItems: 32 }),
  /**
   * What the image says of where it comes from: `org.opencontainers.image.*` annotations and labels by key without that prefix (`revision`,
   * `source`, `version`, `created`, …). Claims of whoever built it; absent in releases that were made before it was kept.
   */
  provenance: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export type ReleaseImage = Static<typeof ReleaseImage>;

/** The release document: config of the release artifact. It pins everything; it never holds a secret. */
export const ReleaseDocument = Type.Object({
  format: Type.Literal(1),
  app: AppName,
  createdAt: Type.String(),
  /** Digest of the first layer, the normalised compose application. */
  compose: DigestText,
  /** By the text that stands as `image:` in the compose file. */
  images: Type.Record(Type.String(), ReleaseImage),
});
export type ReleaseDocument = Static<typeof ReleaseDocument>;
