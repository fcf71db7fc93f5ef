import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { isIndexType, isManifestType, MEDIA_TYPES } from "./media-types.ts";
import type { Platform } from "./platform.ts";

/** Largest manifest that is read or accepted (distribution-spec, "Pushing manifests": at least 4 MiB). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_DESCRIPTORS = 5000;

/** A content descriptor (image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/** The manifest of one image or artifact, OCI or Docker schema 2. */
export interface ImageManifest {
  readonly kind: "image";
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index of manifests, OCI or Docker. */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type Manifest = ImageManifest | ImageIndex;

/**
 * The manifest in `bytes`. `mediaType` is what the transport said (Content-Type); the document's own `mediaType` must agree with it.
 * Throws `CodedError("manifest-invalid")`.
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid(`larger than ${MAX_MANIFEST_BYTES} bytes`);
  const document = parseObject(bytes);
  if (document["schemaVersion"] !== 2) throw invalid("schemaVersion is not 2");
  const type = typeOf(document, mediaType);
  if (isIndexType(type)) return parseIndex(document, type);
  if (isManifestType(type)) return parseImage(document, type);
  throw invalid(`unknown media type ${type.slice(0, 100)}`);
}

/** The JSON object in `bytes`; throws `CodedError("manifest-invalid")`. */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CodedError("manifest-invalid", "manifest: not JSON", { cause });
  }
  if (!isRecord(value)) throw invalid("not a JSON object");
  return value;
}

/** What the manifest says its artifact is: its `artifactType`, else its config's media type (image-spec, "Guidelines for Artifact Usage"). */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  if (manifest.artifactType !== undefined) return manifest.artifactType;
  return manifest.kind === "image" ? manifest.config.mediaType : undefined;
}

function typeOf(document: Readonly<Record<string, unknown>>, transport: string | undefined): string {
  const own = document["mediaType"];
  if (own !== undefined && typeof own !== "string") throw invalid("mediaType is not text");
  const said = transport?.split(";")[0]?.trim().toLowerCase();
  const known = said !== undefined && (isIndexType(said) || isManifestType(said)) ? said : undefined;
  if (own !== undefined && known !== undefined && own !== known)
    throw invalid(`mediaType is ${own.slice(0, 100)} but it came as ${known}`);
  return own ?? known ?? (Array.isArray(document["manifests"]) ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest);
}

function parseImage(document: Readonly<Record<string, unknown>>, mediaType: string): ImageManifest {
  if ("manifests" in document) throw invalid("an image manifest has no manifests");
  return {
    kind: "image",
    mediaType,
    config: parseDescriptor(document["config"], "config"),
    layers: parseDescriptors(document["layers"], "layers"),
    ...common(document),
  };
}

function parseIndex(document: Readonly<Record<string, unknown>>, mediaType: string): ImageIndex {
  if ("layers" in document || "config" in document) throw invalid("an index has no layers and no config");
  return {
    kind: "index",
    mediaType,
    manifests: parseDescriptors(document["manifests"], "manifests"),
    ...common(document),
  };
}

function common(
  document: Readonly<Record<string, unknown>>,
): Pick<ImageManifest, "artifactType" | "subject" | "annotations"> {
  const artifactType = document["artifactType"];
  const annotations = parseAnnotations(document["annotations"]);
  const subject = document["subject"];
  return {
    ...(typeof artifactType === "string" && artifactType !== "" ? { artifactType } : {}),
    ...(subject === undefined || subject === null ? {} : { subject: parseDescriptor(subject, "subject") }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function parseDescriptors(value: unknown, where: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`${where} is not a list`);
  if (value.length > MAX_DESCRIPTORS) throw invalid(`${where} has more than ${MAX_DESCRIPTORS} entries`);
  return value.map((item, index) => parseDescriptor(item, `${where}[${index}]`));
}

function parseDescriptor(value: unknown, where: string): Descriptor {
  if (!isRecord(value)) throw invalid(`${where} is not a descriptor`);
  const { mediaType, digest, size, artifactType } = value;
  const parsed = typeof digest === "string" ? parseDigest(digest) : undefined;
  if (parsed === undefined) throw invalid(`${where} has no valid digest`);
  if (typeof mediaType !== "string") throw invalid(`${where} has no mediaType`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalid(`${where} has no valid size`);
  const annotations = parseAnnotations(value["annotations"]);
  const platform = parsePlatformObject(value["platform"]);
  return {
    mediaType,
    digest: parsed,
    size,
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function parsePlatformObject(value: unknown): Platform | undefined {
  if (!isRecord(value)) return undefined;
  const { os, architecture, variant } = value;
  if (typeof os !== "string" || typeof architecture !== "string") return undefined;
  return { os, architecture, ...(typeof variant === "string" && variant !== "" ? { variant } : {}) };
}

function parseAnnotations(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw invalid("annotations is not an object");
  for (const text of Object.values(value)) if (typeof text !== "string") throw invalid("an annotation is not text");
  return value as Readonly<Record<string, string>>;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(why: string): CodedError {
  return new CodedError("manifest-invalid", `manifest: ${why}`);
}
