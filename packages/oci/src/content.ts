import type { FetchedManifest, RegistryClient } from "./client.ts";
import type { Descriptor } from "./manifest.ts";

/** Where an image's manifests and blobs are read from: a repository, a layout, an archive, memory. */
export interface ImageSource {
  /** The manifest that a tag or digest names; throws `CodedError("registry-not-found")` or a source's own `…-not-found`. */
  getManifest(name: string, signal?: AbortSignal): Promise<FetchedManifest>;
  /** A blob's bytes, verified against its digest at the end. */
  readBlob(descriptor: Pick<Descriptor, "digest" | "size">, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** One repository of a registry as a source. */
export function registrySource(client: RegistryClient, repository: string): ImageSource {
  return {
    getManifest: (name, signal) => client.getManifest(repository, name, signal),
    readBlob: (descriptor, signal) => client.readBlob(repository, descriptor, signal),
  };
}
