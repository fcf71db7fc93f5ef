import type { Digest } from "@flotilla/base/digest";
import type { ByteRange } from "./range.ts";

/** An upload that grows at its end until it is committed under its digest. */
export interface Upload extends AsyncDisposable {
  readonly id: string;
  readonly sizeBytes: number;
  /** Takes more bytes; what it returns is to be awaited before the next call. They are there only after {@link Upload.flush}. */
  append(chunk: Uint8Array): Promise<void> | undefined;
  /** Resolves when everything taken so far is in the store; throws what kept it from it. */
  flush(): Promise<void>;
}

/**
 * Content by digest, shared by all projects: who may see what is decided by rows of the database, never here. What `has` knows is whole, verified
 * and on the disk. Implementations: files ({@link createDiskBlobStore}); an object store can follow.
 */
export interface BlobStore {
  /** Size of the blob, or undefined when it is not here. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** The bytes from `start` to before `end`; whole without. */
  read(digest: Digest, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /**
   * Opens the blob to send a range of it: in large pieces, each good until the next one is asked for. To be read or ended (`return`) in any case.
   */
  open(digest: Digest, range: ByteRange): Promise<AsyncGenerator<Uint8Array>>;
  /** Where the blob stands as a local file, for readers that need to seek. */
  localPath(digest: Digest): string | undefined;
  /** Stores a small blob; throws `CodedError("digest-mismatch")`. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** Starts an upload; nothing is kept of it until the first append. */
  startUpload(id: string): Promise<void>;
  /** Bytes that an upload has, or undefined when it is not known. */
  uploadSize(id: string): Promise<number | undefined>;
  /** Opens an upload to append to it; only one at a time may be open. */
  openUpload(id: string): Promise<Upload>;
  /** Verifies and keeps an upload as `digest`, durably before it resolves; throws `CodedError("digest-mismatch")` and keeps the upload then. */
  commitUpload(id: string, digest: Digest): Promise<number>;
  removeUpload(id: string): Promise<void>;
  /** Ids of uploads that were not touched since `before` (milliseconds since the epoch). */
  staleUploads(before: number): Promise<readonly string[]>;
  /** Every blob that is here, in no order; blobs that come or go meanwhile may be among them or not. */
  list(): AsyncIterable<Digest>;
  /** Removes a blob; resolves to its size, 0 when it was not here. Whoever calls this keeps others from storing and linking it meanwhile. */
  remove(digest: Digest): Promise<number>;
}
