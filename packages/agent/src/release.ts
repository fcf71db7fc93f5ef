import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import { sha256 } from "@flotilla/oci/hash";
import { type Descriptor, type ImageManifest, MAX_MANIFEST_BYTES, parseManifest } from "@flotilla/oci/manifest";
import {
  COMPOSE_LAYER_TYPE,
  FILE_LAYER_TYPE,
  RELEASE_ARTIFACT_TYPE,
  RELEASE_CONFIG_TYPE,
  ReleaseDocument,
} from "@flotilla/protocol/release";
import { Value } from "typebox/value";
import type { Blobs, Fetcher, Release } from "./ports.ts";

const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
const MAX_COMPOSE_BYTES = 2 * 1024 * 1024;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_FILES_BYTES = 32 * 1024 * 1024;
const MAX_SERVICES = 200;

/** A release in memory with the files its app mounts as configs, and the blobs it is kept in. */
export interface LoadedRelease extends Release {
  readonly files: ReadonlyMap<Digest, Uint8Array>;
  /** Manifest, document, application and files: small blobs that belong to it beside its image layers. */
  readonly ownBlobs: readonly Digest[];
}

export interface ReleaseSource {
  readonly blobs: Blobs;
  /** Absent: only what is on the device is used. */
  readonly fetcher?: Fetcher;
}

/**
 * The release with this digest, from the device's own blobs, else from the registry. Nothing is believed before its digest is checked:
 * manifest against `digest`, everything else against the manifest. Throws `CodedError("release-invalid")` when it is not what it says,
 * `CodedError("release-absent")` when it is not here and there is no fetcher.
 */
export async function loadRelease(
  held: { readonly release: Digest; readonly repository: string; readonly app: string },
  source: ReleaseSource,
  signal: AbortSignal,
): Promise<LoadedRelease> {
  const manifest = parseArtifact(await readManifest(held, source, signal));
  const parts = partsOf(manifest);
  for (const part of [manifest.config, parts.compose, ...parts.files])
    await ensure(held.repository, part, source, signal);
  const document = parseDocument(await source.blobs.readAll(manifest.config.digest, MAX_DOCUMENT_BYTES));
  if (document.app !== held.app) throw invalid(`it is of app ${document.app}, not ${held.app}`);
  if (document.compose !== parts.compose.digest) throw invalid("its application is not the one its document names");
  const files = new Map<Digest, Uint8Array>();
  for (const file of parts.files) files.set(file.digest, await source.blobs.readAll(file.digest, MAX_FILE_BYTES));
  const app = parseApp(await source.blobs.readAll(parts.compose.digest, MAX_COMPOSE_BYTES));
  checkConfigs(app, files);
  return {
    digest: held.release,
    repository: held.repository,
    document,
    app,
    files,
    ownBlobs: [held.release, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)],
  };
}

async function readManifest(
  held: { readonly release: Digest; readonly repository: string },
  source: ReleaseSource,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (await source.blobs.has(held.release)) {
    const kept = await source.blobs.readAll(held.release, MAX_MANIFEST_BYTES);
    if (sha256(kept) === held.release) return kept;
    await source.blobs.remove(held.release);
  }
  if (source.fetcher === undefined) throw absent(held.release);
  const bytes = await source.fetcher.fetchManifest(held.repository, held.release, signal);
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid("its manifest is too large");
  if (sha256(bytes) !== held.release) throw invalid("its manifest does not have its digest");
  await source.blobs.put(held.release, bytes);
  return bytes;
}

async function ensure(repository: string, part: Descriptor, source: ReleaseSource, signal: AbortSignal): Promise<void> {
  if (await source.blobs.has(part.digest)) return;
  if (source.fetcher === undefined) throw absent(part.digest);
  await source.fetcher.fetch({ repository, digest: part.digest, sizeBytes: part.size }, () => {}, signal);
}

function parseArtifact(bytes: Uint8Array): ImageManifest {
  const manifest = parseManifest(bytes);
  if (manifest.kind !== "image") throw invalid("it is an index, not an artifact");
  if (manifest.artifactType !== RELEASE_ARTIFACT_TYPE || manifest.config.mediaType !== RELEASE_CONFIG_TYPE)
    throw invalid("it is not a release artifact");
  return manifest;
}

function partsOf(manifest: ImageManifest): { readonly compose: Descriptor; readonly files: readonly Descriptor[] } {
  const [compose, ...files] = manifest.layers;
  if (compose?.mediaType !== COMPOSE_LAYER_TYPE) throw invalid("its first layer is not an application");
  if (manifest.config.size > MAX_DOCUMENT_BYTES || compose.size > MAX_COMPOSE_BYTES) throw invalid("it is too large");
  for (const file of files) {
    if (file.mediaType !== FILE_LAYER_TYPE) throw invalid(`layer of unknown type ${file.mediaType.slice(0, 100)}`);
    if (file.size > MAX_FILE_BYTES) throw invalid("a file of it is too large");
  }
  if (files.reduce((sum, file) => sum + file.size, 0) > MAX_FILES_BYTES) throw invalid("its files are too large");
  return { compose, files };
}

function parseDocument(bytes: Uint8Array): ReleaseDocument {
  const value = parseJson(bytes);
  if (!Value.Check(ReleaseDocument, value)) throw invalid("its document is not a release document");
  return value;
}

/** The shape that the rest relies on. What the fields mean was checked when the release was made; its digest and signature pin it. */
function parseApp(bytes: Uint8Array): NormalisedApp {
  const value = parseJson(bytes) as Partial<NormalisedApp> | null;
  if (value === null || typeof value !== "object") throw invalid("its application is not an object");
  if (value.format !== 1)
    throw new CodedError("release-format", `release has application format ${String(value.format)}: update the agent`);
  const maps = ["services", "networks", "volumes", "configs", "secrets", "variables"] as const;
  for (const map of maps) if (typeof value[map] !== "object" || value[map] === null) throw invalid(`it has no ${map}`);
  const services = Object.values(value.services ?? {});
  if (services.length === 0 || services.length > MAX_SERVICES) throw invalid("it has no services, or too many");
  return value as NormalisedApp;
}

function checkConfigs(app: NormalisedApp, files: ReadonlyMap<Digest, Uint8Array>): void {
  for (const [name, config] of Object.entries(app.configs)) {
    if (config.kind === "file" && !files.has(config.digest)) throw invalid(`the file of config ${name} is not in it`);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CodedError("release-invalid", "release: a part of it is not JSON", { cause });
  }
}

/** Digests of text that was checked against `DigestText`. */
export function digestOf(text: string): Digest {
  const digest = parseDigest(text);
  if (digest === undefined) throw invalid("a digest in it is malformed");
  return digest;
}

function invalid(why: string): CodedError {
  return new CodedError("release-invalid", `release: ${why}`);
}

function absent(digest: Digest): CodedError {
  return new CodedError("release-absent", `release: ${digest} is not on this device`);
}
