import { mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@flotilla/base/clock";
import { type Digest, encodedPart, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { sha256 } from "@flotilla/oci/hash";
import type { Blobs } from "../ports.ts";
import { isAbsent, replaceFile, syncFolder } from "./durable.ts";
import { openPartial, type Partial } from "./partial.ts";

const READ_BYTES = 256 * 1024;
/** A partial download that nobody went on with for so long is removed when the store is opened. */
const PARTIAL_LIFE_MS = 7 * 24 * 60 * 60_000;

/** {@link Blobs} on disk, with downloads in progress. */
export interface BlobStore extends Blobs {
  /** The unfinished file of a blob, to go on with; one at a time for each digest. */
  partial(digest: Digest): Promise<Partial>;
}

/** Opens (and makes) the blob store in `folder`: whole blobs in `sha256/`, unfinished ones in `partial/`. */
export async function openBlobStore(folder: string, clock: Clock): Promise<BlobStore> {
  const whole = join(folder, "sha256");
  const partial = join(folder, "partial");
  await mkdir(whole, { recursive: true, mode: 0o700 });
  await mkdir(partial, { recursive: true, mode: 0o700 });
  await sweep(whole, partial, clock);
  const pathOf = (digest: Digest) => join(whole, fileName(digest));
  const sizeBytes = (digest: Digest) => sizeOf(pathOf(digest));
  return {
    has: async (digest) => (await sizeBytes(digest)) !== undefined,
    sizeBytes,
    read: (digest) => readFrom(pathOf(digest)),
    readAll: (digest, maxBytes) => readAll(digest, pathOf(digest), maxBytes),
    async put(digest, content) {
      if (sha256(content) !== digest)
        throw new CodedError("blob-damaged", `content that is not ${digest} was not kept`);
      await replaceFile(pathOf(digest), content);
    },
    async list() {
      const names = await readdir(whole);
      return names.flatMap((name) => parseDigest(`sha256:${name}`) ?? []);
    },
    async remove(digest) {
      await rm(pathOf(digest), { force: true });
      await rm(join(partial, fileName(digest)), { force: true });
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    partial: (digest) =>
      openPartial(digest, join(partial, fileName(digest)), async (path) => {
        await rename(path, pathOf(digest));
        await syncFolder(whole);
      }),
  };
}

async function* readFrom(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r");
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function readAll(digest: Digest, path: string, maxBytes: number): Promise<Uint8Array> {
  const size = await sizeOf(path);
  if (size === undefined) throw new CodedError("blob-absent", `blob ${digest} is not on this device`);
  if (size > maxBytes)
    throw new CodedError("blob-too-large", `blob ${digest} has ${size} bytes; ${maxBytes} are allowed`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFrom(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Removes what a crash left half-written, and downloads that were given up. */
async function sweep(whole: string, partial: string, clock: Clock): Promise<void> {
  for (const name of await readdir(whole)) if (name.endsWith(".tmp")) await rm(join(whole, name), { force: true });
  for (const name of await readdir(partial)) {
    const path = join(partial, name);
    if (clock.now() - (await stat(path)).mtimeMs > PARTIAL_LIFE_MS) await rm(path, { force: true });
  }
}

function fileName(digest: Digest): string {
  if (!digest.startsWith("sha256:"))
    throw new CodedError("blob-algorithm", `blobs are kept by sha256, not as ${digest}`);
  return encodedPart(digest);
}
