/** Bytes that are read or written at a time: few turns of the thread pool, and nothing that grows with the blob. */
const BUFFER_BYTES = 256 * 1024;
/** Buffers kept for the next one. */
const MAX_SPARE = 16;

/** Buffers that uploads and downloads take in turns: fresh ones for every piece would cost more than the copying. */
export class BufferPool {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  give(buffer: Buffer): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(buffer);
  }
}
