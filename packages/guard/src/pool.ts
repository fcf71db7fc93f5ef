import { Worker } from "node:worker_threads";
import { CodedError } from "@flotilla/base/errors";
import type { LayerScanner, LayerScannerOptions } from "./layer-scanner.ts";
import type { LayerScan } from "./model.ts";
import type { FileLayer, FromWorker, ToWorker } from "./pool-messages.ts";

/** Scans on worker threads. */
export interface ScanPool extends AsyncDisposable {
  /** As `createLayerScanner`, run on the least busy thread. Rejects with `CodedError("scan-pool-closed")` when the pool is gone. */
  scanner(options?: LayerScannerOptions): LayerScanner;
  /** Scans a layer that stands in a local file; the thread reads it itself, and only what is wanted of it. */
  scanFile(layer: FileLayer): Promise<LayerScan>;
  close(): Promise<void>;
}

/** Bytes on the way to a thread that one scanner may have before `write` waits. */
const MAX_IN_FLIGHT_BYTES = 2 * 1024 * 1024;
/** Smaller chunks travel together. */
const BATCH_BYTES = 128 * 1024;

/** Starts `threads` worker threads, each when it is first needed; idle threads do not keep the process alive. */
export function createScanPool(options: { readonly threads: number }): ScanPool {
  const members: Member[] = [];
  let nextId = 0;
  let closed = false;
  const choose = (): Member => {
    if (closed) throw new CodedError("scan-pool-closed", "the scan pool was closed");
    const idle = members.find((member) => member.busy === 0);
    if (idle !== undefined) return idle;
    if (members.length < Math.max(1, options.threads)) {
      const member = new Member();
      members.push(member);
      return member;
    }
    return members.reduce((least, member) => (member.busy < least.busy ? member : least));
  };
  const close = async () => {
    closed = true;
    await Promise.all(members.map((member) => member.stop()));
  };
  return {
    scanner: (scannerOptions = {}) => new RemoteScanner(choose(), nextId++, scannerOptions),
    scanFile: (layer) => choose().scanFile(nextId++, layer),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Job {
  /** Bytes sent and not yet taken. */
  inFlight: number;
  wake: (() => void) | undefined;
  failure: unknown;
  readonly resolve: (scan: LayerScan) => void;
  readonly reject: (error: unknown) => void;
  readonly result: Promise<LayerScan>;
}

/** One worker thread and what it has to do. */
class Member {
  readonly #worker = new Worker(new URL("./pool-worker.ts", import.meta.url));
  readonly #jobs = new Map<number, Job>();

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new CodedError("scan-pool-closed", "the scan thread has ended")));
  }

  get busy(): number {
    return this.#jobs.size;
  }

  open(id: number): Job {
    const { promise, resolve, reject } = Promise.withResolvers<LayerScan>();
    promise.catch(() => {}); // told again by whoever waits for the result
    const job: Job = { inFlight: 0, wake: undefined, failure: undefined, resolve, reject, result: promise };
    if (this.#jobs.size === 0) this.#worker.ref();
    this.#jobs.set(id, job);
    return job;
  }

  scanFile(id: number, layer: FileLayer): Promise<LayerScan> {
    const job = this.open(id);
    this.send({ kind: "file", id, layer });
    return job.result;
  }

  send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  drop(id: number): void {
    this.#jobs.delete(id);
    if (this.#jobs.size === 0) this.#worker.unref();
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: FromWorker): void {
    const job = this.#jobs.get(message.id);
    if (job === undefined) return;
    switch (message.kind) {
      case "taken":
        job.inFlight -= message.bytes;
        wake(job);
        return;
      case "done":
        this.drop(message.id);
        job.resolve(message.scan);
        return;
      case "failed":
        this.drop(message.id);
        settle(job, new CodedError(message.code, message.message));
        return;
    }
  }

  #fail(error: unknown): void {
    for (const [id, job] of this.#jobs) {
      this.drop(id);
      settle(job, error);
    }
  }
}

function settle(job: Job, error: unknown): void {
  job.failure = error;
  job.reject(error);
  wake(job);
}

function wake(job: Job): void {
  const waiting = job.wake;
  job.wake = undefined;
  waiting?.();
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
    return this.#job.result;
  }

  abort(): void {
    this.#member.send({ kind: "abort", id: this.#id });
    this.#member.drop(this.#id);
    settle(this.#job, new CodedError("scan-aborted", "the scan was given up"));
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
