import { deadlineSignal } from "@flotilla/base/clock";
import type { Digest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { judge } from "@flotilla/guard/judge";
import type { AdvisoryStore } from "@flotilla/guard/model";
import type { Policy } from "@flotilla/guard/policy/policy";
import type { Policies } from "../../policies/port.ts";
import { projectOf } from "../path.ts";
import type { Scans } from "../scans.ts";

/** How long a pull waits for the scan of what it brought. */
const SCAN_WAIT_MS = 10 * 60_000;
/** Verdicts that are remembered. */
const MAX_REMEMBERED = 5000;
/** Reasons that a refusal tells. */
const MAX_REASONS = 10;

/** Why an image is not let in: the rule, and one sentence with the finding and what would pass. */
export interface MirrorReason {
  readonly rule: string;
  readonly message: string;
}

export interface MirrorVerdict {
  /** Empty: it may be pulled. */
  readonly reasons: readonly MirrorReason[];
  /** It was not the verdict that was remembered. */
  readonly isNew: boolean;
}

interface Remembered {
  readonly policy: Policy;
  readonly store: AdvisoryStore;
  readonly reasons: readonly MirrorReason[];
}

export interface JudgementPorts {
  readonly scans: Scans;
  readonly advisories: () => AdvisoryStore;
  readonly policies: Policies;
}

/** Judges mirrored images by the advisories and the policy of now, whenever one is pulled. What cannot be judged is not let in. */
export class MirrorJudgement {
  readonly #ports: JudgementPorts;
  /** What an image holds never changes, so its verdict stands until the policy or the advisories are others. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(ports: JudgementPorts) {
    this.#ports = ports;
  }

  async of(repository: string, digest: Digest, signal: AbortSignal): Promise<MirrorVerdict> {
    const project = projectOf(repository);
    const key = `${project} ${digest}`;
    const policy = await this.#ports.policies.of(project);
    const store = this.#ports.advisories();
    const known = this.#remembered.get(key);
    if (known?.policy === policy && known.store === store) return { reasons: known.reasons, isNew: false };
    const scan = await this.#scanOf(project, digest, signal);
    if (scan?.kind !== "done") return { reasons: [noVerdict(scan?.problem)], isNew: false };
    const target = `registry:${repository}@${digest}`;
    const report = judge({ target, inventory: scan.inventory, store, policy, scanners: SCANNERS });
    const { outcome, reasons: all } = report.verdict;
    const blocks = outcome === "block" ? all.filter((reason) => reason.outcome === "block") : [];
    const reasons = blocks.slice(0, MAX_REASONS).map(({ rule, message }) => ({ rule, message }));
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, { policy, store, reasons });
    return { reasons, isNew: true };
  }

  async #scanOf(project: string, digest: Digest, closed: AbortSignal) {
    const signal = deadlineSignal(SCAN_WAIT_MS, closed);
    try {
      return await this.#ports.scans.wait(project, digest, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new CodedError("unavailable", "the image is still being scanned: pull again in a moment", {
        details: { retryAfterSeconds: 5 },
      });
    }
  }
}

const SCANNERS = ["inventory", "vulnerability", "secret"] as const;

function noVerdict(problem: string | undefined): MirrorReason {
  if (problem === undefined)
    return {
      rule: "not-an-image",
      message: "It is not an image that the guard can look into; only images are mirrored.",
    };
  return {
    rule: "scan-failed",
    message: `No verdict can be given: ${problem}. Delete it from the mirrored repository and pull it again.`,
  };
}

/** The refusal of an image. */
export function refusalOf(what: string, reasons: readonly MirrorReason[]): CodedError {
  const told = reasons.map(({ rule, message }) => `[${rule}] ${message}`).join(" ");
  return new CodedError("mirror-refused", `${what} is not let in: ${told}`, { details: { reasons } });
}
