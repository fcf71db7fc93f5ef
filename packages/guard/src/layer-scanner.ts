import type { Digest } from "@flotilla/base/digest";
import { CodedError, isCoded } from "@flotilla/base/errors";
import { createDecompressor } from "@flotilla/oci/decompress";
import { createDigester, type Digester } from "@flotilla/oci/hash";
import { createTarParser, type TarParser } from "@flotilla/oci/tar/read";
import { createCollector, type Wanted } from "./collector.ts";
import type { LayerScan } from "./model.ts";
import { tarVisitor } from "./tar-visitor.ts";

/** Changes whenever an older {@link LayerScan} would lack something: kept scans of another format are made anew. */
export const SCAN_FORMAT = 2;

/** A layer that inflates to more is not read to its end. */
const MAX_LAYER_BYTES = 64 * 2 ** 30;
/** Past this many bytes, a layer may not be larger than {@link MAX_RATIO} times what came in. */
const RATIO_GRACE_BYTES = 512 * 2 ** 20;
const MAX_RATIO = 200;

export interface LayerScannerOptions {
  /** What to take from the bytes; all, when left out. */
  readonly wanted?: Wanted;
  /** The diff id, when the caller has it from a verified image config: saves computing it. */
  readonly diffId?: Digest;
}

/** Takes a layer's bytes as they come, compressed or not, and keeps what the guard needs of them. */
export interface LayerScanner {
  /** Resolves when more may be written. The chunk is free again then. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * The layer is over. Never rejects because of the layer's bytes: damage and bombs are `problems` of the scan, whose diff id is then
   * the hash of what could be read and fits no image config.
   */
  end(): Promise<LayerScan>;
  /** Gives up; nothing else may be called. */
  abort(): void;
}

/** A scanner for one layer, running on the caller's thread. */
export function createLayerScanner(options: LayerScannerOptions = {}): LayerScanner {
  return new StreamScanner(options);
}

class StreamScanner implements LayerScanner {
  readonly #collector;
  readonly #parser: TarParser;
  readonly #digester: Digester | undefined;
  readonly #diffId: Digest | undefined;
  readonly #decompressor;
  #parsing = true;
  #reading = true;
  #inBytes = 0;
  #outBytes = 0;

  constructor(options: LayerScannerOptions) {
    this.#collector = createCollector(options.wanted ?? { inventory: true, secrets: true });
    this.#parser = createTarParser(tarVisitor(this.#collector));
    this.#diffId = options.diffId;
    this.#digester = options.diffId === undefined ? createDigester() : undefined;
    this.#decompressor = createDecompressor((chunk) => this.#take(chunk));
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#reading) return;
    this.#inBytes += chunk.length;
    await this.#guarded(async () => this.#decompressor.write(chunk));
  }

  async end(): Promise<LayerScan> {
    if (this.#reading) await this.#guarded(() => this.#decompressor.end());
    if (this.#parsing) this.#parse(() => this.#parser.end());
    const { facts, ...collected } = this.#collector.finish();
    const diffId = this.#diffId ?? this.#digester?.digest();
    if (diffId === undefined) throw new TypeError("a scanner ends once");
    return { format: SCAN_FORMAT, diffId, sizeBytes: this.#outBytes, ...collected, facts };
  }

  abort(): void {
    this.#reading = false;
    this.#decompressor.abort();
  }

  #take(chunk: Uint8Array): void {
    this.#outBytes += chunk.length;
    this.#digester?.update(chunk);
    if (this.#parsing) this.#parse(() => this.#parser.write(chunk));
    if (this.#isBomb())
      throw new CodedError("archive-bomb", `${this.#inBytes} bytes inflate to more than ${this.#outBytes}`);
  }

  #isBomb(): boolean {
    if (this.#outBytes > MAX_LAYER_BYTES) return true;
    return this.#outBytes > RATIO_GRACE_BYTES && this.#outBytes > this.#inBytes * MAX_RATIO;
  }

  /** Damage in the tar ends its reading; the bytes still count towards the diff id. */
  #parse(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!isCoded(error)) throw error;
      this.#parsing = false;
      this.#collector.problem("", `${error.code}: ${error.message}`);
    }
  }

  /** Damage in the compressed stream ends the layer. */
  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!isCoded(error)) throw error;
      this.#reading = false;
      this.#parsing = false;
      this.#decompressor.abort();
      this.#collector.problem("", `${error.code}: ${error.message}`);
    }
  }
}
