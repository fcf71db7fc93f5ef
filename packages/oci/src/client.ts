import type { Digest } from "@flotilla/base/digest";
import { type BlobRange, blobSize, type OpenBlob, openBlob, readBlob } from "./client/blobs.ts";
import {
  deleteManifest,
  type FetchedManifest,
  getManifest,
  headManifest,
  listReferrers,
  listTags,
  putManifest,
} from "./client/manifests.ts";
import { createSession } from "./client/session.ts";
import { mountBlob, type NewBlob, type PushOptions, pushBlob } from "./client/upload.ts";
import type { CredentialSource } from "./http/auth.ts";
import { sendByFetch } from "./http/fetch-send.ts";
import type { ProxySettings } from "./http/proxy.ts";
import { createHttpSend, type HttpSend } from "./http/send.ts";
import type { Descriptor } from "./manifest.ts";

export type { BlobRange, OpenBlob } from "./client/blobs.ts";
export type { FetchedManifest } from "./client/manifests.ts";
export type { NewBlob, PushOptions } from "./client/upload.ts";
export type { CredentialSource, Credentials } from "./http/auth.ts";
export type { ProxySettings } from "./http/proxy.ts";

export interface RegistryClientOptions {
  /** `https://host[:port]`. */
  readonly baseUrl: string;
  readonly credentials?: CredentialSource;
  /** PEM certificates trusted beside the system's. */
  readonly ca?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
  /** Another transport: a `fetch` function … */
  readonly fetch?: typeof fetch | undefined;
  /** … or a sender, shared between clients. */
  readonly send?: HttpSend | undefined;
}

/**
 * A client of one registry (OCI distribution-spec 1.1). Content is verified against its digest as it is read. Refusals are `CodedError`s:
 * `registry-unreachable`, `registry-unauthorized`, `registry-denied`, `registry-not-found`, `registry-busy`, `registry-failed`, `digest-mismatch`,
 * `manifest-invalid`.
 */
export interface RegistryClient {
  readonly baseUrl: URL;
  /** The manifest that a tag or digest names. */
  getManifest(repository: string, name: string, signal?: AbortSignal): Promise<FetchedManifest>;
  headManifest(
    repository: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<{ readonly digest: Digest | undefined; readonly mediaType: string } | undefined>;
  putManifest(
    repository: string,
    name: string,
    manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
    signal?: AbortSignal,
  ): Promise<Digest>;
  /** Deletes a tag or a manifest; false when it was not there. */
  deleteManifest(repository: string, name: string, signal?: AbortSignal): Promise<boolean>;
  /** Size of the blob, or undefined when it is not there. */
  blobSize(repository: string, digest: Digest, signal?: AbortSignal): Promise<number | undefined>;
  /** Opens a blob at an offset, for whoever stores and verifies it piece by piece. */
  openBlob(repository: string, digest: Digest, range?: BlobRange): Promise<OpenBlob>;
  /** The whole blob, verified, resumed by range where a connection breaks. */
  readBlob(
    repository: string,
    blob: { readonly digest: Digest; readonly size?: number },
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  pushBlob(repository: string, blob: NewBlob, options?: PushOptions): Promise<void>;
  /** Takes over a blob from another repository of this registry; false when it wants the bytes. */
  mountBlob(repository: string, digest: Digest, from: string, signal?: AbortSignal): Promise<boolean>;
  listTags(
    repository: string,
    options?: { readonly pageSize?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<string>;
  listReferrers(
    repository: string,
    digest: Digest,
    artifactType?: string,
    signal?: AbortSignal,
  ): Promise<readonly Descriptor[]>;
}

const TAGS_PER_PAGE = 1000;

/** A client of the registry at `baseUrl`. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { ca, proxy } = options;
  const send =
    options.send ?? (options.fetch ? sendByFetch(options.fetch, { ca, proxy }) : createHttpSend({ ca, proxy }));
  const session = createSession(new URL(options.baseUrl), send, options.credentials);
  return {
    baseUrl: session.baseUrl,
    getManifest: (repository, name, signal) => getManifest(session, repository, name, signal),
    headManifest: (repository, name, signal) => headManifest(session, repository, name, signal),
    putManifest: (repository, name, manifest, signal) => putManifest(session, repository, name, manifest, signal),
    deleteManifest: (repository, name, signal) => deleteManifest(session, repository, name, signal),
    blobSize: (repository, digest, signal) => blobSize(session, repository, digest, signal),
    openBlob: (repository, digest, range) => openBlob(session, repository, digest, range),
    readBlob: (repository, blob, signal) => readBlob(session, repository, blob, signal),
    pushBlob: (repository, blob, push) => pushBlob(session, repository, blob, push),
    mountBlob: (repository, digest, from, signal) => mountBlob(session, repository, digest, from, signal),
    listTags: (repository, list = {}) => listTags(session, repository, list.pageSize ?? TAGS_PER_PAGE, list.signal),
    listReferrers: (repository, digest, type, signal) => listReferrers(session, repository, digest, type, signal),
  };
}
