import type { FileHandle } from "node:fs/promises";
import type { BufferPool } from "./buffer-pool.ts";
import type { ByteRange } from "./range.ts";

/**
 * The bytes of a range in large pieces, the next one being read while one is used. A piece is good until the next one is asked for. Ends early when the file
 * does; closes the file in any case.
 */
export async function* readAhead(file: FileHandle, range: ByteRange, pool: BufferPool): AsyncGenerator<Uint8Array> {
  const buffers = [pool.take(), pool.take()] as const;
  const readAt = (at: number, turn: number) => {
    const buffer = buffers[turn % 2 === 0 ? 0 : 1];
    return file.read(buffer, 0, Math.max(0, Math.min(buffer.length, range.end - at)), at);
  };
  let next = readAt(range.start, 0);
  try {
    for (let at = range.start, turn = 1; at < range.end; turn++) {
      const { bytesRead, buffer } = await next;
      if (bytesRead === 0) return;
      at += bytesRead;
      next = readAt(at, turn);
      next.catch(() => {}); // told when it is awaited
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await next.catch(() => {}); // the buffer is being read into until then
    for (const buffer of buffers) pool.give(buffer);
    await file.close();
  }
}
