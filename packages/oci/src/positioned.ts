import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Bytes that can be read at any place. Reading is synchronous: use it on worker threads and in command-line tools. */
export interface PositionedSource extends Disposable {
  readonly sizeBytes: number;
  /** Fills `target` from `position`; returns how many bytes there were. */
  read(target: Uint8Array, position: number): number;
}

/** A file to read at any place; close it with `using`. */
export function openPositioned(path: string): PositionedSource {
  const descriptor = openSync(path, "r");
  return {
    sizeBytes: fstatSync(descriptor).size,
    read(target, position) {
      let done = 0;
      while (done < target.length) {
        const count = readSync(descriptor, target, done, target.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    },
    [Symbol.dispose]() {
      closeSync(descriptor);
    },
  };
}

/** A part of `source` as a source of its own. Closing it does not close `source`. */
export function sliceOf(source: PositionedSource, offset: number, sizeBytes: number): PositionedSource {
  const size = Math.max(0, Math.min(sizeBytes, source.sizeBytes - offset));
  return {
    sizeBytes: size,
    read(target, position) {
      const length = Math.max(0, Math.min(target.length, size - position));
      return length === 0 ? 0 : source.read(target.subarray(0, length), offset + position);
    },
    [Symbol.dispose]() {},
  };
}

/** All bytes of `source` in fresh chunks, as a stream. */
export function* chunksOf(source: PositionedSource, chunkBytes = 256 * 1024): Generator<Uint8Array> {
  for (let position = 0; position < source.sizeBytes; ) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, source.sizeBytes - position));
    const count = source.read(chunk, position);
    if (count === 0) return;
    yield chunk.subarray(0, count);
    position += count;
  }
}
