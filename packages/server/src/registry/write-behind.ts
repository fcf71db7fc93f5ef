import type { FileHandle } from "node:fs/promises";
import type { BufferPool } from "./buffer-pool.ts";

/**
 * Appends to a file in as large pieces as come while the piece before is on its way to the disk. `onPiece` sees the bytes in order, before they are
 * written. {@link WriteBehind.flush} says whether all is there.
 */
export class WriteBehind {
  readonly #file: FileHandle;
  readonly #pool: BufferPool;
  readonly #onPiece: (piece: Uint8Array) => void;
  #filling: Buffer | undefined;
  #filled = 0;
  /** The piece on its way. */
  #piece: Promise<void> = Promise.resolve();
  /** Until nothing is left to write; never rejects. */
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(file: FileHandle, pool: BufferPool, onPiece: (piece: Uint8Array) => void) {
    this.#file = file;
    this.#pool = pool;
    this.#onPiece = onPiece;
  }

  /** Takes the bytes; there is only something to wait for when a whole piece waits for the one before it. */
  append(chunk: Uint8Array): Promise<void> | undefined {
    const rest = this.#take(chunk);
    return rest.length === 0 && this.#failure === undefined ? undefined : this.#appendRest(rest);
  }

  /** Waits until everything is written; throws what any of it met. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
  }

  async #appendRest(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 || this.#failure !== undefined; rest = this.#take(rest)) {
      this.#throwFailure();
      await this.#piece;
    }
  }

  /** Copies what there is room for, sees that it is being written, and gives what is left. */
  #take(chunk: Uint8Array): Uint8Array {
    this.#filling ??= this.#pool.take();
    const part = chunk.subarray(0, this.#filling.length - this.#filled);
    this.#filling.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled > 0) this.#writing ??= this.#writeAll();
    return chunk.subarray(part.length);
  }

  async #writeAll(): Promise<void> {
    while (this.#filling !== undefined && this.#filled > 0 && this.#failure === undefined) {
      const buffer = this.#filling;
      const piece = buffer.subarray(0, this.#filled);
      this.#filling = undefined;
      this.#filled = 0;
      this.#onPiece(piece);
      this.#piece = this.#write(piece);
      await this.#piece;
      this.#pool.give(buffer);
    }
    this.#writing = undefined;
  }

  async #write(piece: Uint8Array): Promise<void> {
    try {
      await writeAll(this.#file, piece);
    } catch (error) {
      this.#failure = { error };
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}
