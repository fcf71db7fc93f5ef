import { availableParallelism } from "node:os";
import { type JudgementOptions, judge } from "./judge.ts";
import type { AdvisoryStore, Report, Scanner } from "./model.ts";
import type { Policy } from "./policy/policy.ts";
import { createScanPool, type ScanPool } from "./pool.ts";
import type { Source, SourceOptions } from "./sources/source.ts";
import { openTarget } from "./sources/target.ts";

export interface ScanOptions extends SourceOptions, JudgementOptions {
  readonly scanners: readonly Scanner[];
  readonly store: AdvisoryStore;
  readonly policy: Policy;
}

/** Below this, starting threads takes longer than they save. */
const WORTH_THREADS_BYTES = 24 * 1024 * 1024;
const MAX_THREADS = 8;

/**
 * Scans `target` (see `openTarget`): source → inventory → findings → verdict. Throws `CodedError` when the target cannot be opened or read
 * at all; what is damaged inside is in the report's problems.
 */
export async function scan(target: string, options: ScanOptions): Promise<Report> {
  const { scanners, store, policy } = options;
  const source = await openTarget(target, options);
  const wanted = {
    inventory: scanners.includes("inventory") || scanners.includes("vulnerability"),
    secrets: scanners.includes("secret"),
  };
  const own = options.pool === undefined ? poolFor(source) : undefined;
  try {
    const inventory = await source.inventory(wanted, options.pool ?? own);
    return judge({ target, inventory, store, policy, scanners, ...judgementOptions(options) });
  } finally {
    await own?.close();
  }
}

function judgementOptions({ nowMs, said, baseline }: ScanOptions): JudgementOptions {
  return {
    ...(nowMs === undefined ? {} : { nowMs }),
    ...(said === undefined ? {} : { said }),
    ...(baseline === undefined ? {} : { baseline }),
  };
}

/** Threads beside this one, which takes its share. */
function poolFor(source: Source): ScanPool | undefined {
  const threads = Math.min(availableParallelism(), source.parts, MAX_THREADS) - 1;
  if (threads < 1 || (source.sizeBytes ?? Number.POSITIVE_INFINITY) < WORTH_THREADS_BYTES) return undefined;
  return createScanPool({ threads });
}
