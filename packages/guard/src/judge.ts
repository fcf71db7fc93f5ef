import type { Digest } from "@flotilla/base/digest";
import { coverageGaps } from "./coverage.ts";
import { licenceFindings } from "./licences/findings.ts";
import { match } from "./match.ts";
import type { AdvisoryStore, Finding, Inventory, Report, Scanner, SecretHit } from "./model.ts";
import { markKnown } from "./policy/baseline.ts";
import { evaluate } from "./policy/evaluate.ts";
import type { Policy } from "./policy/policy.ts";
import { severityRank } from "./severity.ts";
import { applyStatements, type Said } from "./vex/apply.ts";

/** What a judgement may take into account beside the bytes and the advisories. */
export interface JudgementOptions {
  /** Milliseconds since the epoch, for rules that expire and for ages. */
  readonly nowMs?: number;
  /** Waivers and statements from outside. */
  readonly said?: Omit<Said, "nowMs">;
  /** Findings of an earlier report: only what is new decides. */
  readonly baseline?: readonly Finding[];
}

export interface JudgeInput extends JudgementOptions {
  /** What was scanned, as the report names it. */
  readonly target: string;
  readonly inventory: Inventory;
  readonly store: AdvisoryStore;
  readonly policy: Policy;
  /** What was asked for; what is missing here is said in `notCovered`. */
  readonly scanners: readonly Scanner[];
}

/** The report on an inventory: findings by the advisories of `store`, the policy's verdict, and what was not looked at. Pure. */
export function judge(input: JudgeInput): Report {
  const { inventory, store, scanners, policy } = input;
  const context = input.nowMs === undefined ? {} : { nowMs: input.nowMs };
  const matched = scanners.includes("vulnerability") ? match(inventory, store) : { findings: [], problems: [] };
  const secrets = scanners.includes("secret") ? secretFindings(inventory.secrets) : [];
  const licences = scanners.includes("inventory") ? licenceFindings(inventory.packages, policy, context) : [];
  const found = [...matched.findings, ...secrets, ...licences].sort(byImportance);
  const said = applyStatements(markBase(found, inventory.baseLayers), {
    waivers: input.said?.waivers ?? [],
    statements: input.said?.statements ?? [],
    nowMs: input.nowMs ?? Number.POSITIVE_INFINITY,
  });
  const findings = markKnown(said.findings, input.baseline);
  return {
    target: input.target,
    packages: inventory.packages,
    findings,
    problems: [...inventory.problems, ...matched.problems, ...said.problems],
    sources: store.sources,
    verdict: evaluate(policy, findings, context),
    notCovered: coverageGaps(inventory, store, scanners),
  };
}

/** The same secret is one finding wherever it stands. */
function secretFindings(hits: readonly SecretHit[]): Finding[] {
  const byFingerprint = Map.groupBy(hits, (hit) => `${hit.rule} ${hit.fingerprint}`);
  return [...byFingerprint.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return {
      kind: "secret",
      id: first.rule,
      aliases: [],
      title: first.title,
      severity: first.severity,
      location: first.location,
      locations: same.map((hit) => hit.location),
      sources: [],
      confidence: first.confidence,
      sample: first.sample,
      fingerprint: first.fingerprint,
    };
  });
}

/** Where the boundary is known: a finding is the base image's when all its places are. */
function markBase(findings: readonly Finding[], baseLayers: readonly Digest[] | undefined): readonly Finding[] {
  if (baseLayers === undefined) return findings;
  const layers = new Set(baseLayers);
  return findings.map((finding) => {
    const base =
      finding.locations.length > 0 && finding.locations.every(({ layer }) => layer !== undefined && layers.has(layer));
    return { ...finding, base };
  });
}

const KIND_ORDER: readonly Finding["kind"][] = ["malware", "secret", "vulnerability", "licence"];

/** Worst first, then by package and id: a fixed order for equal inventories and stores. */
function byImportance(a: Finding, b: Finding): number {
  return (
    KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind) ||
    severityRank(b.severity) - severityRank(a.severity) ||
    (b.cvss ?? 0) - (a.cvss ?? 0) ||
    compareText(a.purl ?? "", b.purl ?? "") ||
    compareText(a.id, b.id) ||
    compareText(a.location.path, b.location.path) ||
    compareText(a.fingerprint ?? "", b.fingerprint ?? "")
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
