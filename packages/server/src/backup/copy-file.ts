import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Digest } from "@flotilla/base/digest";
import { algorithmOf } from "@flotilla/base/digest";
import { isCoded } from "@flotilla/base/errors";
import { createDigester } from "@flotilla/oci/hash";
import { damaged } from "./format.ts";

const READ_CHUNK_BYTES = 1024 * 1024;

/** Digest of a file. */
export async function hashFile(path: string, algorithm: "sha256" | "sha512" = "sha256"): Promise<Digest> {
  const digester = createDigester(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: READ_CHUNK_BYTES }))
    digester.update(chunk as Buffer);
  return digester.digest();
}

/**
 * Puts the content of `from` at `to` after it was hashed, on the disk before this resolves: a hard link where `mayLink` and the file system allow
 * it (both are never changed in place), else a copy. Throws `backup-damaged` when it is not what its digest says, `ENOENT` when it is gone.
 */
export async function copyVerified(
  from: string,
  to: string,
  { digest, mayLink }: { readonly digest: Digest; readonly mayLink: boolean },
): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const partial = `${to}.${crypto.randomUUID()}.partial`;
  try {
    const linked = mayLink && (await tryLink(from, partial));
    const found = linked ? await hashFile(partial, algorithmOf(digest)) : await copyAndHash(from, partial, digest);
    if (found !== digest) throw damaged(`${from} is not ${digest}: the disk has changed it`);
    await rename(partial, to);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Brings what was written into a folder to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    // Another file system, one without links, or too many of them: copied.
    if (code !== undefined && ["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP"].includes(code)) return false;
    throw error;
  }
}

async function copyAndHash(from: string, to: string, digest: Digest): Promise<Digest> {
  const digester = createDigester(algorithmOf(digest));
  async function* hashed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      digester.update(chunk);
      yield chunk;
    }
  }
  const source = createReadStream(from, { highWaterMark: READ_CHUNK_BYTES });
  await pipeline(Readable.from(hashed(source)), createWriteStream(to, { flags: "wx", mode: 0o600, flush: true }));
  return digester.digest();
}

/** Whether an error says that a file is not there. */
export function isMissing(error: unknown): boolean {
  return !isCoded(error) && (error as { readonly code?: unknown }).code === "ENOENT";
}
