import type { PositionedSource } from "../positioned.ts";
import { BLOCK, createHeaderReader, damaged, type TarEntry } from "./header.ts";

/** An entry whose body is read only when asked for. */
export interface WalkedEntry extends TarEntry {
  /** Where the body starts in the source. */
  readonly bodyOffset: number;
  /** The body in a fresh buffer, cut to `maxBytes`. */
  read(maxBytes: number): Buffer;
  /** The body in pieces. Each piece is valid until the next one is asked for. */
  chunks(): Generator<Uint8Array>;
}

/** Neighbouring headers and small bodies come out of one read of this size; larger bodies that nobody wants are stepped over. */
const WINDOW_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;

/**
 * Walks the entries of an uncompressed tar by positioned reads: the bodies that nobody asks for are not read at all (but for what stands
 * in the same window as a header). Throws `CodedError("tar-damaged" | "tar-sparse")`.
 */
export function* walkTar(source: PositionedSource): Generator<WalkedEntry> {
  const window = new Window(source);
  const headers = createHeaderReader();
  let position = 0;
  let zeroBlocks = 0;
  while (zeroBlocks < 2 && position < source.sizeBytes) {
    const header = headers.header(window.bytes, window.at(position, BLOCK));
    position += BLOCK;
    if (header.kind === "zero") {
      zeroBlocks++;
      continue;
    }
    if (zeroBlocks > 0) throw damaged("an entry follows a zero block");
    if (position + header.bodyBytes > source.sizeBytes) throw damaged("it stops in the middle of an entry");
    if (header.kind === "meta") headers.meta(window.copy(position, header.bodyBytes));
    else yield walked(window, header.entry, position);
    position += Math.ceil(header.bodyBytes / BLOCK) * BLOCK;
  }
}

function walked(window: Window, entry: TarEntry, bodyOffset: number): WalkedEntry {
  return {
    ...entry,
    bodyOffset,
    read: (maxBytes) => window.copy(bodyOffset, Math.min(maxBytes, entry.sizeBytes)),
    chunks: () => window.chunks(bodyOffset, entry.sizeBytes),
  };
}

/** A stretch of the source in memory. */
class Window {
  readonly bytes: Buffer = Buffer.allocUnsafe(WINDOW_BYTES);
  readonly #source: PositionedSource;
  #start = 0;
  #length = 0;
  #chunk: Buffer | undefined;

  constructor(source: PositionedSource) {
    this.#source = source;
  }

  /** Index into `bytes` at which `length` bytes from `position` stand. */
  at(position: number, length: number): number {
    if (position < this.#start || position + length > this.#start + this.#length) {
      this.#start = position;
      this.#length = this.#source.read(this.bytes, position);
      if (this.#length < length) throw damaged("it stops in the middle of a header");
    }
    return position - this.#start;
  }

  /** `length` bytes from `position` in a fresh buffer. */
  copy(position: number, length: number): Buffer {
    const result = Buffer.allocUnsafe(length);
    const cached = this.#cached(position, length);
    if (cached > 0) this.bytes.copy(result, 0, position - this.#start, position - this.#start + cached);
    if (cached === length) return result;
    if (this.#source.read(result.subarray(cached), position + cached) < length - cached)
      throw damaged("it is cut short");
    return result;
  }

  *chunks(position: number, length: number): Generator<Uint8Array> {
    const cached = this.#cached(position, length);
    const from = position - this.#start;
    if (cached === length) {
      if (length > 0) yield this.bytes.subarray(from, from + length);
      return;
    }
    this.#chunk ??= Buffer.allocUnsafe(CHUNK_BYTES);
    for (let done = 0; done < length; ) {
      const target = this.#chunk.subarray(0, Math.min(CHUNK_BYTES, length - done));
      const count = this.#source.read(target, position + done);
      if (count === 0) throw damaged("it is cut short");
      yield target.subarray(0, count);
      done += count;
    }
  }

  #cached(position: number, length: number): number {
    if (position < this.#start || position >= this.#start + this.#length) return 0;
    return Math.min(length, this.#start + this.#length - position);
  }
}
