import type { Report } from "@flotilla/protocol/device";
import type { Context } from "../context.ts";
import type { Proven } from "./handshake.ts";
import { type ReportResult, storeReport } from "./store-report.ts";

/** Reports stored in one transaction: small enough that it never holds the thread for long. */
const BATCH = 25;
/** Reports that may wait; a device whose report finds no room is told to come back. */
const MAX_WAITING = 5000;

/** Stores the reports of all devices. */
export interface ReportWriter {
  /** Resolves when the report is on the disk, with what became of it. */
  write(from: Proven, report: Report): Promise<ReportResult | "busy">;
}

interface Waiting {
  readonly from: Proven;
  readonly report: Report;
  readonly resolve: (result: ReportResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Reports that arrive while a transaction is written go together into the next one. */
export function createReportWriter(context: Context): ReportWriter {
  const queue: Waiting[] = [];
  let writing = false;
  const drain = async () => {
    writing = true;
    while (queue.length > 0) await writeBatch(context, queue.splice(0, BATCH));
    writing = false;
  };
  return {
    write(from, report) {
      if (queue.length >= MAX_WAITING) return Promise.resolve("busy");
      return new Promise((resolve, reject) => {
        queue.push({ from, report, resolve, reject });
        if (!writing) void drain();
      });
    },
  };
}

async function writeBatch(context: Context, batch: readonly Waiting[]): Promise<void> {
  try {
    const results = await context.database.write(async (trx) => {
      const done: ReportResult[] = [];
      for (const waiting of batch) done.push(await storeReport(trx, context, waiting));
      return done;
    });
    for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] ?? "gone");
  } catch (error) {
    // One report that cannot be stored must not take the others with it.
    if (batch.length === 1) batch[0]?.reject(error);
    else for (const waiting of batch) await writeBatch(context, [waiting]);
  }
}
