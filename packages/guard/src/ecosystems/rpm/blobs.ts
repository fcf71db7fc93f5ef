/** What a database file gave: package headers as rpm wrote them, and what is wrong with the file. */
export interface Blobs {
  readonly blobs: readonly Buffer[];
  readonly problems: readonly string[];
}

export const MAX_HEADERS = 100_000;
/** rpm itself refuses headers beyond 256 MB; the largest known (kernel sources) have about 20. */
export const MAX_HEADER_BYTES: number = 64 * 1024 * 1024;
/** All headers of one database; a chain that is shared by many rows cannot multiply it. */
export const MAX_TOTAL_BYTES: number = 512 * 1024 * 1024;

/** Gathers headers inside the bounds. */
export class BlobList {
  readonly #blobs: Buffer[] = [];
  readonly #problems = new Set<string>();
  #bytes = 0;

  get isFull(): boolean {
    return this.#blobs.length >= MAX_HEADERS || this.#bytes >= MAX_TOTAL_BYTES;
  }

  add(blob: Buffer): void {
    this.#blobs.push(blob);
    this.#bytes += blob.length;
    if (this.isFull) this.problem(`too-many-packages: from ${MAX_HEADERS}, or ${MAX_TOTAL_BYTES} bytes, on`);
  }

  /** Notes what is wrong; the same twice is said once. */
  problem(reason: string): void {
    this.#problems.add(reason);
  }

  finish(): Blobs {
    return { blobs: this.#blobs, problems: [...this.#problems] };
  }
}
