import { setPriority } from "node:os";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { isCoded, messageOf } from "@flotilla/base/errors";
import { createLayerScanner, type LayerScanner } from "./layer-scanner.ts";
import type { LayerScan } from "./model.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./pool-messages.ts";
import { scanFileBatch } from "./sources/file-batch.ts";
import { scanFileLayer } from "./sources/file-layer.ts";

/** A scanner on this thread, and the end of the queue of its pieces: they are taken one after another. */
interface Running {
  readonly scanner: LayerScanner;
  last: Promise<void>;
  aborted: boolean;
}

const running = new Map<number, Running>();

/** Niceness of a thread in the background. */
const BACKGROUND_PRIORITY = 10;

if (parentPort !== null) serve(parentPort);

function serve(port: MessagePort): void {
  const { isBackground } = workerData as WorkerSettings;
  // On Linux a priority is a thread's own; elsewhere it would be that of the whole process.
  if (isBackground && process.platform === "linux") setPriority(BACKGROUND_PRIORITY);
  const send = (message: FromWorker) => port.postMessage(message);
  port.on("message", (message: ToWorker) => receive(message, send));
}

function receive(message: ToWorker, send: (message: FromWorker) => void): void {
  const { id } = message;
  switch (message.kind) {
    case "open":
      running.set(id, { scanner: createLayerScanner(message.options), last: Promise.resolve(), aborted: false });
      return;
    case "bytes":
      enqueue(id, send, async (scanner) => {
        await scanner.write(message.bytes);
        send({ kind: "taken", id, bytes: message.bytes.length });
      });
      return;
    case "end":
      enqueue(id, send, async (scanner) => finish(id, send, await scanner.end()));
      return;
    case "abort":
      abort(id);
      return;
    case "file":
      void scanFileLayer(message.layer).then(
        (scan) => send({ kind: "done", id, result: { kind: "layer", scan } }),
        (error: unknown) => fail(id, send, error),
      );
      return;
    case "files":
      send({ kind: "done", id, result: { kind: "files", collected: scanFileBatch(message.batch) } });
      return;
  }
}

function enqueue(
  id: number,
  send: (message: FromWorker) => void,
  step: (scanner: LayerScanner) => Promise<void>,
): void {
  const job = running.get(id);
  if (job === undefined) return;
  job.last = job.last.then(async () => {
    if (job.aborted) return;
    try {
      await step(job.scanner);
    } catch (error) {
      if (job.aborted) return;
      abort(id);
      fail(id, send, error);
    }
  });
}

function finish(id: number, send: (message: FromWorker) => void, scan: LayerScan): void {
  running.delete(id);
  send({ kind: "done", id, result: { kind: "layer", scan } });
}

function fail(id: number, send: (message: FromWorker) => void, error: unknown): void {
  send({ kind: "failed", id, code: isCoded(error) ? error.code : "scan-failed", message: messageOf(error) });
}

function abort(id: number): void {
  const job = running.get(id);
  if (job === undefined) return;
  job.aborted = true;
  running.delete(id);
  job.scanner.abort();
}
