import { Worker } from "node:worker_threads";
import { CodedError } from "@flotilla/base/errors";
import type { FromWorker, Result, ToWorker, WorkerSettings } from "./pool-messages.ts";

/** Scanning makes much short-lived garbage; a small nursery keeps a thread's memory down and costs nothing measurable. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 4 } as const;

/** Something a thread has to do. */
export interface Job {
  /** Bytes sent and not yet taken. */
  inFlight: number;
  /** Lets the one who waits for {@link Job.inFlight} to fall look again. */
  wake: (() => void) | undefined;
  failure: unknown;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  readonly result: Promise<Result>;
}

/** One worker thread and what it has to do. Idle, it does not keep the process alive. */
export class Member {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Job>();
  #isAlive = true;

  constructor(settings: WorkerSettings) {
    const url = new URL("./pool-worker.ts", import.meta.url);
    this.#worker = new Worker(url, { resourceLimits: THREAD_LIMITS, workerData: settings });
    this.#worker.unref();
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (cause) =>
      this.#fail(new CodedError("scan-failed", "the scan thread has failed", { cause })),
    );
    this.#worker.on("exit", () => this.#fail(new CodedError("scan-pool-closed", "the scan thread has ended")));
  }

  /** A thread that has failed takes nothing more. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  get busy(): number {
    return this.#jobs.size;
  }

  open(id: number): Job {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    promise.catch(() => {}); // told again by whoever waits for the result
    const job: Job = { inFlight: 0, wake: undefined, failure: undefined, resolve, reject, result: promise };
    if (this.#jobs.size === 0) this.#worker.ref();
    this.#jobs.set(id, job);
    return job;
  }

  /** Hands the thread a job that needs nothing more, and waits for its result. */
  ask(message: ToWorker): Promise<Result> {
    const job = this.open(message.id);
    this.send(message);
    return job.result;
  }

  send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Takes the job away and fails whoever waits for it. */
  drop(id: number, error: unknown): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#remove(id);
    settle(job, error);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #remove(id: number): void {
    this.#jobs.delete(id);
    if (this.#jobs.size === 0) this.#worker.unref();
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
        this.#remove(message.id);
        job.resolve(message.result);
        return;
      case "failed":
        this.drop(message.id, new CodedError(message.code, message.message));
        return;
    }
  }

  #fail(error: unknown): void {
    this.#isAlive = false;
    for (const id of [...this.#jobs.keys()]) this.drop(id, error);
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
