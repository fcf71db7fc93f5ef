import { CodedError } from "@flotilla/base/errors";
import type { Collected } from "./collector.ts";
import type { LayerScanner, LayerScannerOptions } from "./layer-scanner.ts";
import type { LayerScan } from "./model.ts";
import { type Job, Member } from "./pool-member.ts";
import type { FileBatch, FileLayer, Result } from "./pool-messages.ts";

/** Scans on worker threads. */
export interface ScanPool extends AsyncDisposable {
  readonly threads: number;
  /** As `createLayerScanner`, run on the least busy thread. Throws `CodedError("scan-pool-closed")` when the pool is gone. */
  scanner(options?: LayerScannerOptions): LayerScanner;
  /** Scans a layer that stands in a local file; the thread reads it itself, and only what is wanted of it. */
  scanFile(layer: FileLayer): Promise<LayerScan>;
  /** Scans files of a local folder; the thread reads them itself. */
  scanFiles(batch: FileBatch): Promise<Collected>;
  close(): Promise<void>;
}

export interface ScanPoolOptions {
  readonly threads: number;
  /** The threads stand back when others need the processor (on Linux). */
  readonly isBackground?: boolean;
}

/** Bytes on the way to a thread that one scanner may have before `write` waits. */
const MAX_IN_FLIGHT_BYTES = 2 * 1024 * 1024;
/** Smaller chunks travel together. */
const BATCH_BYTES = 128 * 1024;

/**
 * Starts `threads` worker threads, each when it is first needed and again when it has failed (its scans then reject with
 * `CodedError("scan-failed")`); idle threads do not keep the process alive.
 */
export function createScanPool(options: ScanPoolOptions): ScanPool {
  const threads = Math.max(1, options.threads);
  let members: readonly Member[] = [];
  let nextId = 0;
  let closed = false;
  const choose = (): Member => {
    if (closed) throw new CodedError("scan-pool-closed", "the scan pool was closed");
    members = members.filter((member) => member.isAlive);
    const idle = members.find((member) => member.busy === 0);
    if (idle !== undefined) return idle;
    if (members.length >= threads) return members.reduce((least, one) => (one.busy < least.busy ? one : least));
    const member = new Member({ isBackground: options.isBackground ?? false });
    members = [...members, member];
    return member;
  };
  const close = async () => {
    closed = true;
    await Promise.all(members.map((member) => member.stop()));
  };
  return {
    threads,
    scanner: (scannerOptions = {}) => new RemoteScanner(choose(), nextId++, scannerOptions),
    scanFile: async (layer) => scanOf(await choose().ask({ kind: "file", id: nextId++, layer })),
    scanFiles: async (batch) => collectedOf(await choose().ask({ kind: "files", id: nextId++, batch })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function scanOf(result: Result): LayerScan {
  if (result.kind === "layer") return result.scan;
  throw new TypeError("a layer was scanned and files came back");
}

function collectedOf(result: Result): Collected {
  if (result.kind === "files") return result.collected;
  throw new TypeError("files were scanned and a layer came back");
}

class RemoteScanner implements LayerScanner {
  readonly #member: Member;
  readonly #id: number;
  readonly #job: Job;
  #batch: Uint8Array | undefined;
  #filled = 0;

  constructor(member: Member, id: number, options: LayerScannerOptions) {
    this.#member = member;
    this.#id = id;
    this.#job = member.open(id);
    member.send({ kind: "open", id, options });
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      this.#batch ??= new Uint8Array(BATCH_BYTES);
      const part = chunk.subarray(at, at + BATCH_BYTES - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BATCH_BYTES) await this.#flush();
    }
  }

  async end(): Promise<LayerScan> {
    await this.#flush();
    this.#member.send({ kind: "end", id: this.#id });
    return scanOf(await this.#job.result);
  }

  abort(): void {
    this.#member.send({ kind: "abort", id: this.#id });
    this.#member.drop(this.#id, new CodedError("scan-aborted", "the scan was given up"));
  }

  async #flush(): Promise<void> {
    const job = this.#job;
    if (job.failure !== undefined) throw job.failure;
    if (this.#batch === undefined) return;
    const bytes = this.#batch.subarray(0, this.#filled);
    const buffer = this.#batch.buffer;
    job.inFlight += bytes.length;
    this.#batch = undefined;
    this.#filled = 0;
    if (buffer instanceof ArrayBuffer) this.#member.send({ kind: "bytes", id: this.#id, bytes }, [buffer]);
    while (job.inFlight > MAX_IN_FLIGHT_BYTES && job.failure === undefined)
      await new Promise<void>((resolve) => {
        job.wake = resolve;
      });
    if (job.failure !== undefined) throw job.failure;
  }
}
