import { coverageGaps } from "./coverage.ts";
import { match } from "./match.ts";
import type { AdvisoryStore, Finding, Inventory, Report, Scanner, SecretHit } from "./model.ts";
import { evaluate } from "./policy/evaluate.ts";
import type { Policy } from "./policy/policy.ts";
import { severityRank } from "./severity.ts";

export interface JudgeInput {
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
  const { inventory, store, scanners } = input;
  const matched = scanners.includes("vulnerability") ? match(inventory, store) : { findings: [], problems: [] };
  const secrets = scanners.includes("secret") ? secretFindings(inventory.secrets) : [];
  const findings = [...matched.findings, ...secrets].sort(byImportance);
  return {
    target: input.target,
    packages: inventory.packages,
    findings,
    problems: [...inventory.problems, ...matched.problems],
    sources: store.sources,
    verdict: evaluate(input.policy, findings),
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

const KIND_ORDER: readonly Finding["kind"][] = ["malware", "secret", "vulnerability"];

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
