import { BLOCK, createHeaderReader, damaged, type TarEntry } from "./header.ts";

export type { TarEntry, TarEntryKind } from "./header.ts";

/** Takes the body of one entry. Chunks are views into what was written to the parser: copy what is kept. */
export interface BodySink {
  write(chunk: Uint8Array): void;
  end(): void;
}

/** Sees every entry and decides whether its body is wanted: a sink gets it, `undefined` skips it without copying. */
export type TarVisitor = (entry: TarEntry) => BodySink | undefined;

/** A tar reader that bytes are pushed into. Memory is one header, or one extended header of at most 1 MiB. */
export interface TarParser {
  /** Whether the end of the archive was seen; what follows is ignored. */
  readonly ended: boolean;
  /** Throws `CodedError("tar-damaged" | "tar-sparse")`, and whatever the visitor and its sinks throw. */
  write(chunk: Uint8Array): void;
  /** Throws `CodedError("tar-damaged")` when the archive stops in the middle of an entry. */
  end(): void;
}

/** A parser that calls `visitor` for each entry, in order. */
export function createTarParser(visitor: TarVisitor): TarParser {
  return new Parser(visitor);
}

/** Reads a whole stream through `visitor`. */
export async function readTar(stream: AsyncIterable<Uint8Array>, visitor: TarVisitor): Promise<void> {
  const parser = createTarParser(visitor);
  for await (const chunk of stream) parser.write(chunk);
  parser.end();
}

type State = "header" | "meta" | "body" | "padding" | "ended";

class Parser implements TarParser {
  readonly #visitor: TarVisitor;
  readonly #headers = createHeaderReader();
  #state: State = "header";
  #left = 0;
  #padding = 0;
  #sink: BodySink | undefined;
  #zeroBlocks = 0;
  /** A header or extended header that is split over chunks. */
  #partial: Buffer[] = [];
  #partialBytes = 0;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case "ended":
          return;
        case "header":
          at = this.#header(bytes, at);
          break;
        case "meta":
          at = this.#meta(bytes, at);
          break;
        case "body":
          at = this.#body(bytes, at);
          break;
        case "padding":
          at = this.#skipPadding(bytes, at);
          break;
      }
    }
  }

  end(): void {
    const clean = this.#state === "ended" || (this.#state === "header" && this.#partialBytes === 0);
    // Some writers leave out the padding of the last body, and Go's reader takes it.
    if (!clean && this.#state !== "padding") throw damaged("it stops in the middle of an entry");
  }

  #header(bytes: Buffer, at: number): number {
    if (this.#partialBytes === 0 && bytes.length - at >= BLOCK) {
      this.#take(bytes, at);
      return at + BLOCK;
    }
    const end = this.#collect(bytes, at, BLOCK);
    if (this.#partialBytes === BLOCK) this.#take(this.#collected(), 0);
    return end;
  }

  #take(bytes: Buffer, at: number): void {
    const header = this.#headers.header(bytes, at);
    if (header.kind === "zero") {
      if (++this.#zeroBlocks === 2) this.#state = "ended";
      return;
    }
    if (this.#zeroBlocks > 0) throw damaged("an entry follows a zero block");
    this.#left = header.bodyBytes;
    this.#padding = (BLOCK - (header.bodyBytes % BLOCK)) % BLOCK;
    if (header.kind === "meta") {
      this.#state = "meta";
      if (header.bodyBytes === 0) this.#finishMeta();
      return;
    }
    this.#sink = this.#visitor(header.entry);
    this.#state = "body";
    if (header.bodyBytes === 0) this.#finishBody();
  }

  #meta(bytes: Buffer, at: number): number {
    const end = this.#collect(bytes, at, this.#left);
    if (this.#partialBytes === this.#left) this.#finishMeta();
    return end;
  }

  #finishMeta(): void {
    this.#headers.meta(this.#collected());
    this.#state = this.#padding === 0 ? "header" : "padding";
  }

  #body(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#sink?.write(bytes.subarray(at, end));
    if (this.#left === 0) this.#finishBody();
    return end;
  }

  #finishBody(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#state = this.#padding === 0 ? "header" : "padding";
    sink?.end();
  }

  #skipPadding(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#padding);
    this.#padding -= end - at;
    if (this.#padding === 0) this.#state = "header";
    return end;
  }

  #collect(bytes: Buffer, at: number, want: number): number {
    const end = Math.min(bytes.length, at + want - this.#partialBytes);
    this.#partial.push(Buffer.from(bytes.subarray(at, end)));
    this.#partialBytes += end - at;
    return end;
  }

  #collected(): Buffer {
    const bytes = this.#partial.length === 1 && this.#partial[0] ? this.#partial[0] : Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialBytes = 0;
    return bytes;
  }
}
