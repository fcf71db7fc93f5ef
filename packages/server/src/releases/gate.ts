import { deadlineSignal } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { judge } from "@flotilla/guard/judge";
import type { AdvisoryStore, Inventory, Reason, Report } from "@flotilla/guard/model";
import type { Policy } from "@flotilla/guard/policy/policy";
import type { Gate, GateReason } from "@flotilla/protocol/api/releases";
import type { ReleaseImage } from "@flotilla/protocol/release";
import { unionOf } from "../registry/inventory-union.ts";
import type { Scans } from "../registry/scans.ts";
import { COMPOSE_NAME, WAY_OUT } from "./compose-secrets.ts";

/** How long a release waits for scans that are under way; then the client asks again. */
const SCAN_WAIT_MS = 45_000;
/** Reasons that are kept and shown, worst first. */
const MAX_REASONS = 200;

/** Rule of the reason that an image without a verdict blocks by. */
export const SCAN_FAILED_RULE = "scan-failed";

export interface GatePorts {
  readonly scans: Scans;
  readonly advisories: () => AdvisoryStore;
  /** How long to wait for scans that are under way, in milliseconds. */
  readonly scanWaitMs?: number;
}

/** The gate over all images, and what they hold together. */
export interface GateResult {
  readonly gate: Gate;
  readonly inventory: Inventory;
  readonly report: Report;
}

/** Judges every platform of every image by the advisories and the policy of now. Throws `scan-pending` when scans do not end in time. */
export async function evaluateGate(
  ports: GatePorts,
  input: {
    readonly project: string;
    readonly target: string;
    readonly images: readonly ReleaseImage[];
    /** What the application itself holds. */
    readonly compose?: Inventory;
    readonly policy: Policy;
  },
): Promise<GateResult> {
  const signal = deadlineSignal(ports.scanWaitMs ?? SCAN_WAIT_MS);
  const store = ports.advisories();
  const reasons: GateReason[] = [];
  const inventories: Inventory[] = [];
  for (const image of input.images) {
    for (const platform of image.platforms) {
      const scan = await waitForScan(ports.scans, input.project, platform.manifest, signal);
      if (scan?.kind !== "done") {
        reasons.push(noVerdict(image.reference, scan?.problem));
        continue;
      }
      const target = `${image.repository}@${platform.manifest}`;
      const { inventory } = scan;
      const report = judge({ target, inventory, store, policy: input.policy, scanners: SCANNERS });
      inventories.push(inventory);
      reasons.push(...report.verdict.reasons.map((reason) => toGateReason(image.reference, reason)));
    }
  }
  if (input.compose !== undefined) {
    const { policy, compose } = input;
    const report = judge({ target: COMPOSE_NAME, inventory: compose, store, policy, scanners: ["secret"] });
    inventories.push(compose);
    reasons.push(...report.verdict.reasons.map(toComposeReason));
  }
  const inventory = unionOf(inventories);
  const report = judge({ target: input.target, inventory, store, policy: input.policy, scanners: SCANNERS });
  return { gate: toGate(reasons), inventory, report };
}

const SCANNERS = ["inventory", "vulnerability", "secret"] as const;

async function waitForScan(scans: Scans, project: string, manifest: string, signal: AbortSignal) {
  try {
    return await scans.wait(project, asDigest(manifest), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CodedError("scan-pending", "the images are still being scanned: try again in a moment", {
      details: { retryAfterSeconds: 5 },
    });
  }
}

function toComposeReason(reason: Reason): GateReason {
  const { finding } = reason;
  const where = finding.locations.map(({ path, line }) => (line === undefined ? path : `${path}:${line}`)).join(", ");
  const message = `A secret (${finding.title ?? finding.id}, ${finding.sample ?? "redacted"}) is fixed in the release at ${where}: ${WAY_OUT}.`;
  return toGateReason(COMPOSE_NAME, { ...reason, message });
}

function noVerdict(image: string, problem: string | undefined): GateReason {
  const why = problem ?? "it was never scanned";
  return {
    outcome: "block",
    rule: SCAN_FAILED_RULE,
    message: `No verdict can be given on ${image}: ${why}. Push the image again.`,
    image,
  };
}

function toGateReason(image: string, { outcome, rule, message, finding }: Reason): GateReason {
  const { kind, id, aliases, severity, title, purl, fixed, exploited, sample, location } = finding;
  const { path, layer, line } = location;
  const optional = { title, purl, fixed, exploited, sample };
  return {
    outcome,
    rule,
    message,
    image,
    finding: {
      kind,
      id,
      aliases: [...aliases],
      severity,
      ...defined(optional),
      location: { path, ...defined({ layer, line }) },
    },
  };
}

/** Members that are not undefined. */
function defined<T extends object>(members: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}

/** The same finding in several platforms of an image is one reason. Blocks stand first. */
function toGate(all: readonly GateReason[]): Gate {
  const unique = new Map<string, GateReason>();
  for (const reason of all) {
    const key = JSON.stringify([reason.image, reason.rule, reason.message.replace(/ \(layer [^)]*\)/, "")]);
    if (!unique.has(key)) unique.set(key, reason);
  }
  const blocks = [...unique.values()].filter((reason) => reason.outcome === "block");
  const warnings = [...unique.values()].filter((reason) => reason.outcome === "warn");
  const reasons = [...blocks, ...warnings];
  return {
    outcome: blocks.length > 0 ? "block" : warnings.length > 0 ? "warn" : "pass",
    reasons: reasons.slice(0, MAX_REASONS),
    omitted: Math.max(0, reasons.length - MAX_REASONS),
  };
}
