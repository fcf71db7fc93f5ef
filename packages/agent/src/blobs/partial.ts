import { type FileHandle, open, rm } from "node:fs/promises";
import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { createDigester, type Digester } from "@flotilla/oci/hash";

const READ_BYTES = 1024 * 1024;

/** A blob on its way to the disk. Close it in any case; what is written stays for the next time. */
export interface Partial extends AsyncDisposable {
  /** Bytes that are there. */
  readonly sizeBytes: number;
  append(chunk: Uint8Array): Promise<void>;
  /** Checks the digest and makes the blob whole. Throws `blob-damaged` and empties the file when it holds other bytes. */
  commit(): Promise<void>;
  /** Starts again from nothing. */
  reset(): Promise<void>;
}

/** Opens the unfinished file at `path`; what an earlier run left there is hashed again, never trusted. `publish` moves it in its place. */
export async function openPartial(
  digest: Digest,
  path: string,
  publish: (path: string) => Promise<void>,
): Promise<Partial> {
  const file = await openForUpdate(path);
  let { digester, size } = await hashOf(file).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  const partial: Partial = {
    get sizeBytes() {
      return size;
    },
    async append(chunk) {
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, written, chunk.length - written, size + written);
        written += bytesWritten;
      }
      digester.update(chunk);
      size += chunk.length;
    },
    async commit() {
      const found = digester.fork().digest();
      if (found !== digest) {
        await partial.reset();
        throw new CodedError("blob-damaged", `the bytes that came for ${digest} are ${found}; they were dropped`);
      }
      await file.sync();
      await publish(path);
    },
    async reset() {
      await file.truncate(0);
      digester = createDigester();
      size = 0;
    },
    async [Symbol.asyncDispose]() {
      await file.close();
      if (size === 0) await rm(path, { force: true });
    },
  };
  return partial;
}

async function openForUpdate(path: string): Promise<FileHandle> {
  await (await open(path, "a", 0o600)).close();
  return open(path, "r+");
}

async function hashOf(file: FileHandle): Promise<{ digester: Digester; size: number }> {
  const digester = createDigester();
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let size = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, size);
    if (bytesRead === 0) return { digester, size };
    digester.update(buffer.subarray(0, bytesRead));
    size += bytesRead;
  }
}
