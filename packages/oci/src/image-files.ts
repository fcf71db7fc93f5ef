import type { Digest } from "@flotilla/base/digest";
import type { ImageConfig } from "./image-config.ts";
import type { PositionedSource } from "./positioned.ts";

/** A layer that stands in a local file, to be read where it is. */
export interface LocalLayer {
  /** Digest of the uncompressed tar, as the image's config says. */
  readonly diffId: Digest;
  /** The file that holds the layer's bytes, and where in it: a blob file whole, or a part of an archive. */
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Opens the bytes as they stand, compressed or not (`compressionOf` tells); close with `using`. */
  open(): PositionedSource;
}

/** An image that stands in local files. */
export interface LocalImage {
  readonly config: ImageConfig;
  /** The config as it is written. */
  readonly configBytes: Uint8Array;
  /** Image identity: digest of the config. */
  readonly configDigest: Digest;
  /** Digest of the manifest, where there is one. */
  readonly manifestDigest?: Digest;
  /** Names it goes by. */
  readonly names: readonly string[];
  /** Lowest first. */
  readonly layers: readonly LocalLayer[];
}
