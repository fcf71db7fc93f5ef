import type { Transform } from "node:stream";
import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { CodedError } from "@flotilla/base/errors";

export type Compression = "none" | "gzip" | "zstd";

/** Pieces that come out of a decompressor. */
const CHUNK_BYTES = 256 * 1024;
/** Bytes that decide about the compression. */
const MAGIC_BYTES = 4;

/** The compression of a stream that starts with `head`, by its magic number (RFC 1952 §2.3.1, RFC 8878 §3.1.1). */
export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return "zstd";
  return "none";
}

/** A stream that bytes are pushed through. */
export interface Decompressor {
  /** Known after the first four bytes (or the end). */
  readonly compression: Compression | undefined;
  /** Resolves when more may be written: the sink has taken what came out so far, but for a bounded rest. */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when the last byte has gone to the sink; rejects with `CodedError("decompress-damaged")` when the stream is cut or damaged. */
  end(): Promise<void>;
  abort(): void;
}

/** A decompressor for gzip (also of many members), zstd or plain bytes, by magic; `sink` is called with each piece, which it may keep. */
export function createDecompressor(
  sink: (chunk: Uint8Array) => void,
  options: { readonly maxBytes?: number } = {},
): Decompressor {
  return new PushDecompressor(bound(sink, options.maxBytes));
}

/** `stream`, decompressed. Errors as of {@link createDecompressor}. */
export async function* decompressed(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  const { head, rest } = await peek(iterator);
  const transform = transformFor(compressionOf(head));
  if (transform === undefined) {
    yield* rest;
    return;
  }
  const source = Readable.from(rest, { objectMode: false });
  source.on("error", (error) => transform.destroy(error));
  source.pipe(transform);
  try {
    yield* transform as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw isZlibError(cause) ? damaged(cause) : cause;
  } finally {
    source.destroy();
    transform.destroy();
  }
}

/** A stream that compresses with gzip, without a time stamp, so that equal bytes have equal results on one zlib. */
export function gzip(bytes: Uint8Array): Buffer {
  return zlib.gzipSync(bytes, { level: 6 });
}

async function peek(iterator: AsyncIterator<Uint8Array>): Promise<{ head: Buffer; rest: AsyncIterable<Uint8Array> }> {
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done) break;
    first.push(next.value);
    length += next.value.length;
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(first), rest: rest() };
}

class PushDecompressor implements Decompressor {
  compression: Compression | undefined;
  readonly #sink: (chunk: Uint8Array) => void;
  #head: Buffer = Buffer.alloc(0);
  #transform: Transform | undefined;
  #failure: unknown;
  /** Ends the write under way: on damage, zstd streams do not call back. */
  #failWrite: (() => void) | undefined;
  #done: Promise<void> | undefined;

  constructor(sink: (chunk: Uint8Array) => void) {
    this.#sink = sink;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.compression !== undefined) return this.#push(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length >= MAGIC_BYTES) await this.#decide();
  }

  async end(): Promise<void> {
    if (this.compression === undefined) await this.#decide();
    if (this.#transform === undefined) return;
    this.#transform.end();
    await this.#done;
  }

  abort(): void {
    this.#transform?.destroy();
  }

  async #decide(): Promise<void> {
    this.compression = compressionOf(this.#head);
    this.#transform = transformFor(this.compression);
    if (this.#transform !== undefined) this.#done = this.#listen(this.#transform);
    const head = this.#head;
    this.#head = Buffer.alloc(0);
    if (head.length > 0) await this.#push(head);
  }

  #listen(transform: Transform): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown) => {
        this.#failure ??= isZlibError(cause) ? damaged(cause) : cause;
        reject(this.#failure);
        this.#failWrite?.();
      };
      transform.on("data", (chunk: Uint8Array) => {
        if (this.#failure !== undefined) return;
        try {
          this.#sink(chunk);
        } catch (error) {
          fail(error);
          transform.destroy();
        }
      });
      transform.on("end", resolve);
      transform.on("error", fail);
      transform.on("close", () => fail(new CodedError("decompress-aborted", "decompression was given up")));
    });
    done.catch(() => {}); // told again by write and end
    return done;
  }

  #push(chunk: Uint8Array): Promise<void> | void {
    if (this.#failure !== undefined) throw this.#failure;
    const transform = this.#transform;
    if (transform === undefined) return this.#sink(chunk);
    return new Promise((resolve, reject) => {
      this.#failWrite = () => reject(this.#failure);
      transform.write(chunk, (error) => {
        this.#failWrite = undefined;
        if (error) reject(this.#failure ?? error);
        else resolve();
      });
    });
  }
}

function bound(sink: (chunk: Uint8Array) => void, maxBytes: number | undefined): (chunk: Uint8Array) => void {
  if (maxBytes === undefined) return sink;
  let total = 0;
  return (chunk) => {
    total += chunk.length;
    if (total > maxBytes) throw new CodedError("decompress-too-large", `more than ${maxBytes} bytes when decompressed`);
    sink(chunk);
  };
}

function transformFor(compression: Compression): Transform | undefined {
  switch (compression) {
    case "none":
      return undefined;
    case "gzip":
      return zlib.createGunzip({ chunkSize: CHUNK_BYTES });
    case "zstd":
      if (typeof zlib.createZstdDecompress !== "function")
        throw new CodedError("zstd-unsupported", "this runtime cannot read zstd; use Node 22.15 or newer, or Bun");
      return zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES });
  }
}

function isZlibError(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && (code.startsWith("Z_") || code.startsWith("ERR_ZSTD") || code.startsWith("ZSTD_"));
}

function damaged(cause: unknown): CodedError {
  return new CodedError("decompress-damaged", "the compressed data is damaged or cut short", { cause });
}
