import { closeSync, createReadStream, fsyncSync, mkdirSync, openSync } from "node:fs";
import { type FileHandle, open, opendir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { algorithmOf, type Digest, encodedPart, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { createDigester, type Digester } from "@flotilla/oci/hash";
import type { BlobStore, Upload } from "./blob-store.ts";
import { BufferPool } from "./buffer-pool.ts";
import type { ByteRange } from "./range.ts";
import { readAhead } from "./read-ahead.ts";
import { WriteBehind } from "./write-behind.ts";

const READ_CHUNK_BYTES = 256 * 1024;
const UPLOAD_ID = /^[0-9a-f-]{36}$/;

/**
 * Blobs as files: `blobs/<algorithm>/<hex>` (as in an OCI layout) and `uploads/<id>` under `folder`. A blob gets its name by `rename` after its bytes were
 * verified and fsynced, and the folder is fsynced before it counts, so a crash leaves an upload or a whole blob and nothing between.
 */
export function createDiskBlobStore(folder: string): BlobStore {
  const uploads = join(folder, "uploads");
  for (const path of [uploads, join(folder, "blobs", "sha256"), join(folder, "blobs", "sha512")])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const path of [join(folder, "blobs"), folder, join(folder, "..")]) syncFolderSync(path);
  return new DiskBlobStore(folder, uploads);
}

/** Hash state of an upload as far as this process has seen every byte of it. */
interface Running {
  readonly digester: Digester;
  sizeBytes: number;
}

class DiskBlobStore implements BlobStore {
  readonly #folder: string;
  readonly #uploads: string;
  /** SHA-256 so far of uploads that began in this process; others are hashed again from the disk when they are committed. */
  readonly #running = new Map<string, Running>();
  readonly #open = new Set<string>();
  readonly #buffers = new BufferPool();

  constructor(folder: string, uploads: string) {
    this.#folder = folder;
    this.#uploads = uploads;
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    return sizeOfFile(this.localPath(digest));
  }

  read(digest: Digest, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array> {
    if (range !== undefined && range.end <= range.start) return empty();
    const part = range === undefined ? {} : { start: range.start, end: range.end - 1 };
    return createReadStream(this.localPath(digest), { ...part, highWaterMark: READ_CHUNK_BYTES });
  }

  async open(digest: Digest, range: ByteRange): Promise<AsyncGenerator<Uint8Array>> {
    return readAhead(await open(this.localPath(digest), "r"), range, this.#buffers);
  }

  localPath(digest: Digest): string {
    return join(this.#folder, "blobs", algorithmOf(digest), encodedPart(digest));
  }

  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (hashOf(bytes, digest) !== digest) throw mismatch(digest);
    const id = crypto.randomUUID();
    const file = await open(this.#uploadPath(id), "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.#keep(id, digest);
  }

  async startUpload(id: string): Promise<void> {
    const file = await open(this.#uploadPath(id), "wx", 0o600);
    await file.close();
    this.#running.set(id, { digester: createDigester(), sizeBytes: 0 });
  }

  async uploadSize(id: string): Promise<number | undefined> {
    return UPLOAD_ID.test(id) ? sizeOfFile(this.#uploadPath(id)) : undefined;
  }

  async openUpload(id: string): Promise<Upload> {
    this.#claim(id);
    try {
      const file = await open(this.#uploadPath(id), "a");
      const { size } = await file.stat();
      const release = () => this.#open.delete(id);
      return new DiskUpload({ id, file, size, running: this.#running.get(id), buffers: this.#buffers, release });
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  async commitUpload(id: string, digest: Digest): Promise<number> {
    this.#claim(id);
    try {
      return await this.#commit(id, digest);
    } finally {
      this.#open.delete(id);
    }
  }

  async removeUpload(id: string): Promise<void> {
    this.#running.delete(id);
    await rm(this.#uploadPath(id), { force: true });
  }

  async staleUploads(before: number): Promise<readonly string[]> {
    const stale: string[] = [];
    for (const id of await readdir(this.#uploads)) {
      if (!UPLOAD_ID.test(id) || this.#open.has(id)) continue;
      const file = await stat(join(this.#uploads, id)).catch(ignoreMissing);
      if (file !== undefined && file.mtimeMs < before) stale.push(id);
    }
    return stale;
  }

  async *list(): AsyncGenerator<Digest> {
    for (const algorithm of ["sha256", "sha512"])
      for await (const { name } of await opendir(join(this.#folder, "blobs", algorithm))) {
        const digest = parseDigest(`${algorithm}:${name}`);
        if (digest !== undefined) yield digest;
      }
  }

  async remove(digest: Digest): Promise<number> {
    const size = await this.sizeOf(digest);
    await rm(this.localPath(digest), { force: true });
    return size ?? 0;
  }

  #claim(id: string): void {
    if (this.#open.has(id)) throw new CodedError("upload-busy", "another request writes to this upload");
    this.#open.add(id);
  }

  async #commit(id: string, digest: Digest): Promise<number> {
    const file = await open(this.#uploadPath(id), "r+");
    let size: number;
    try {
      size = (await file.stat()).size;
      if ((await this.#hashUpload(id, size, digest)) !== digest) throw mismatch(digest);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#running.delete(id);
    await this.#keep(id, digest);
    return size;
  }

  async #keep(id: string, digest: Digest): Promise<void> {
    const path = this.localPath(digest);
    await rename(this.#uploadPath(id), path);
    await syncFolder(dirname(path));
  }

  async #hashUpload(id: string, size: number, digest: Digest): Promise<Digest> {
    const running = this.#running.get(id);
    if (algorithmOf(digest) === "sha256" && running?.sizeBytes === size) return running.digester.fork().digest();
    const digester = createDigester(algorithmOf(digest));
    const stream = createReadStream(this.#uploadPath(id), { highWaterMark: READ_CHUNK_BYTES });
    for await (const chunk of stream) digester.update(chunk as Buffer);
    return digester.digest();
  }

  #uploadPath(id: string): string {
    if (!UPLOAD_ID.test(id)) throw new TypeError("not an upload id");
    return join(this.#uploads, id);
  }
}

class DiskUpload implements Upload {
  readonly id: string;
  sizeBytes: number;
  readonly #file: FileHandle;
  readonly #written: WriteBehind;
  readonly #release: () => void;

  constructor(options: {
    readonly id: string;
    readonly file: FileHandle;
    readonly size: number;
    readonly running: Running | undefined;
    readonly buffers: BufferPool;
    readonly release: () => void;
  }) {
    this.id = options.id;
    this.#file = options.file;
    this.sizeBytes = options.size;
    this.#release = options.release;
    const running = options.running?.sizeBytes === options.size ? options.running : undefined;
    this.#written = new WriteBehind(options.file, options.buffers, (piece) => {
      running?.digester.update(piece);
      if (running !== undefined) running.sizeBytes += piece.length;
    });
  }

  append(chunk: Uint8Array): Promise<void> | undefined {
    this.sizeBytes += chunk.length;
    return this.#written.append(chunk);
  }

  flush(): Promise<void> {
    return this.#written.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#written.flush();
    } finally {
      await this.#file.close();
      this.#release();
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function syncFolderSync(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

async function sizeOfFile(path: string): Promise<number | undefined> {
  const file = await stat(path).catch(ignoreMissing);
  return file?.isFile() ? file.size : undefined;
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  return undefined;
}

function hashOf(bytes: Uint8Array, like: Digest): Digest {
  const digester = createDigester(algorithmOf(like));
  digester.update(bytes);
  return digester.digest();
}

function mismatch(digest: Digest): CodedError {
  return new CodedError("digest-mismatch", `the content is not ${digest}`);
}

async function* empty(): AsyncGenerator<Uint8Array> {}
