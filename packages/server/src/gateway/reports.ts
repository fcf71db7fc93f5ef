import type { Report } from "@flotilla/protocol/device";
import type { Context } from "../context.ts";
import { createGroupWrites } from "../devices/group-writes.ts";
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

export function createReportWriter(context: Context): ReportWriter {
  const writes = createGroupWrites(context.database, BATCH);
  return {
    async write(from, report) {
      if (writes.waiting >= MAX_WAITING) return "busy";
      return writes.write((trx) => storeReport(trx, context, { from, report }));
    },
  };
}
