import { styleText } from "node:util";
import { orderOf } from "../ecosystems/orders.ts";
import type { Finding, Outcome, Package, Reason, Report, Severity, SourceInfo } from "../model.ts";
import { passingVersions } from "../policy/passing.ts";
import { describeLocations, describeStatement, packageLabel } from "../policy/reason.ts";
import { SEVERITIES } from "../severity.ts";
import { plural, printable } from "./text.ts";

export interface TableOptions {
  /** Whether to colour, as on a terminal. */
  readonly colour: boolean;
  /** For the ages of the sources. */
  readonly nowMs: number;
  /** Findings shown of one package and problems shown in all; the rest is counted. */
  readonly limit?: number;
}

const DEFAULT_LIMIT = 20;
const MAX_REASONS = 20;
const DAY_MS = 24 * 60 * 60 * 1000;
const WIDEST_SEVERITY = "critical".length;

const MAX_IDS = 3;
/** Advisories older than this are worth a colour. */
const STALE_DAYS = 30;

const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = { pass: "pass", warn: "warn", block: "BLOCKED" };
const OUTCOME_STYLES: Readonly<Record<Outcome, Style>> = {
  pass: ["bold", "green"],
  warn: ["bold", "yellow"],
  block: ["bold", "red"],
};

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const SEVERITY_STYLES: Readonly<Record<Severity, Style>> = {
  critical: ["bold", "red"],
  high: "red",
  medium: "yellow",
  low: "blue",
  unknown: "dim",
};

/**
 * The report for people: packages with what an upgrade would mend, malware and secrets, what was not looked at, the ages of the
 * advisory sources, and last the verdict with its reasons.
 */
export function formatTable(report: Report, options: TableOptions): string {
  const paint: Paint = (style, text) => (options.colour ? styleText(style, text, { validateStream: false }) : text);
  const limit = options.limit ?? DEFAULT_LIMIT;
  const sections = [
    headline(report, paint),
    ...packageSections(report, paint, limit),
    secretSection(report, paint),
    listSection(
      "Problems",
      report.problems.map(({ path, reason }) => `${path}: ${reason}`),
      limit,
    ),
    listSection("Not covered", report.notCovered, limit),
    sourceSection(report.sources, options.nowMs, paint),
    listSection("Rules on trial would have decided", (report.verdict.dryRun ?? []).map(trialLine), limit),
    verdictSection(report, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function headline(report: Report, paint: Paint): string[] {
  const counts = SEVERITIES.toReversed().flatMap((severity) => {
    const count = report.findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [paint(SEVERITY_STYLES[severity], `${count} ${severity}`)];
  });
  const findings =
    counts.length === 0 ? "no findings" : `${plural(report.findings.length, "finding")} (${counts.join(", ")})`;
  return [`${paint("bold", printable(report.target))}: ${plural(report.packages.length, "package")}, ${findings}`];
}

function packageSections(report: Report, paint: Paint, limit: number): string[][] {
  const byPurl = Map.groupBy(
    report.findings.filter(({ purl }) => purl !== undefined),
    ({ purl }) => purl ?? "",
  );
  const packages = new Map(report.packages.map((item) => [item.purl, item]));
  return [...byPurl].map(([purl, findings]) => [
    packageLine(purl, findings, packages.get(purl), paint),
    ...findings.slice(0, limit).map((finding) => findingLine(finding, paint)),
    ...(findings.length > limit ? [`  and ${findings.length - limit} more`] : []),
  ]);
}

function packageLine(purl: string, findings: readonly Finding[], item: Package | undefined, paint: Paint): string {
  const name = paint("bold", printable(packageLabel(purl)));
  const where = item === undefined ? "" : ` ${printable(describeLocations(item.locations))}`;
  return `${name}${where}: ${advice(findings, item)}`;
}

/** `upgrade to 1.2.3, which fixes 7 of 9`: the highest of the fixes, so that one upgrade does. */
function advice(findings: readonly Finding[], item: Package | undefined): string {
  if (findings.some(({ kind }) => kind === "malware")) return "malware, remove it";
  if (findings.every(({ kind }) => kind === "licence")) return "its licence is asked about by the policy";
  const fixes = findings.flatMap(({ fixed }) => fixed ?? []);
  if (fixes.length === 0) return "no fix is known";
  const order = item === undefined ? undefined : orderOf(item.ecosystem).compare;
  const target = [...fixes].sort(order).at(-1) ?? "";
  const share = fixes.length === findings.length ? `${fixes.length}` : `${fixes.length} of ${findings.length}`;
  return `upgrade to ${printable(target)} fixes ${share}`;
}

function findingLine(finding: Finding, paint: Paint): string {
  const severity = paint(SEVERITY_STYLES[finding.severity], finding.severity.padEnd(WIDEST_SEVERITY));
  const notes = [
    finding.kind === "malware" ? "malware" : "",
    finding.exploited ? "known to be exploited" : "",
    finding.severity === "unknown" ? "rated by no source" : "",
    finding.kind === "licence" ? "licence" : "",
    finding.cvss === undefined ? "" : `CVSS ${finding.cvss.toFixed(1)}`,
    finding.epss === undefined ? "" : `EPSS ${(finding.epss * 100).toFixed(1)} %`,
    finding.fixed === undefined ? "" : `fixed in ${printable(finding.fixed)}`,
    printable(describeStatement(finding)),
  ].filter((note) => note !== "");
  return `  ${severity}  ${printable(finding.id).padEnd(19)}  ${notes.join(", ")}`.trimEnd();
}

function secretSection(report: Report, paint: Paint): string[] {
  const secrets = report.findings.filter(({ kind }) => kind === "secret");
  if (secrets.length === 0) return [];
  const lines = secrets.map((finding) => {
    const severity = paint(SEVERITY_STYLES[finding.severity], finding.severity.padEnd(WIDEST_SEVERITY));
    const what = `${finding.title ?? finding.id} ${finding.sample ?? ""}`.trim();
    return `  ${severity}  ${printable(what)}, ${finding.confidence ?? "likely"}, ${printable(describeLocations(finding.locations))}`;
  });
  return [paint("bold", "Secrets: revoke them, and build again without them"), ...lines];
}

function listSection(title: string, lines: readonly string[], limit: number): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, limit).map((line) => `  ${printable(line)}`);
  const more = lines.length > limit ? [`  and ${lines.length - limit} more`] : [];
  return [`${title} (${lines.length})`, ...shown, ...more];
}

function sourceSection(sources: readonly SourceInfo[], nowMs: number, paint: Paint): string[] {
  if (sources.length === 0) return ["Advisories: none"];
  const widest = Math.max(...sources.map(({ name }) => name.length));
  const lines = sources.map(({ name, asOf, count }) => {
    const days = Math.max(0, Math.floor((nowMs - Date.parse(asOf)) / DAY_MS));
    const age = `${plural(days, "day")} old`;
    return `  ${printable(name).padEnd(widest)}  of ${asOf.slice(0, 10)} (${days > STALE_DAYS ? paint("yellow", age) : age}), ${plural(count, "entry", "entries")}`;
  });
  return ["Advisories", ...lines];
}

function verdictSection(report: Report, paint: Paint): string[] {
  const { outcome, reasons } = report.verdict;
  const limits = outcome !== "block" && report.notCovered.length > 0 ? ", as far as was covered" : "";
  const deciding = reasons.filter((reason) => reason.outcome === outcome);
  const lines = [...Map.groupBy(deciding, groupOf).values()].map(
    (group) => `  ${printable(reasonLine(group, deciding))}`,
  );
  const more = lines.length > MAX_REASONS ? [`  and ${lines.length - MAX_REASONS} more`] : [];
  return [
    `Verdict: ${paint(OUTCOME_STYLES[outcome], OUTCOME_WORDS[outcome])}${limits}`,
    ...lines.slice(0, MAX_REASONS),
    ...more,
  ];
}

function trialLine({ outcome, rule, message }: Reason): string {
  return `${outcome}: ${message} [${rule}]`;
}

/** Vulnerabilities of one package by one rule are told together. */
function groupOf({ rule, finding }: Reason, index = 0): string {
  return finding.kind === "vulnerability" ? `${rule}\n${finding.purl}` : `${rule}\n${index}`;
}

function reasonLine(group: readonly Reason[], deciding: readonly Reason[]): string {
  const [first] = group;
  if (first === undefined) return "";
  if (group.length === 1) return `${first.message} [${first.rule}]`;
  const { finding, rule } = first;
  const ids = group.slice(0, MAX_IDS).map((reason) => reason.finding.id);
  const more = group.length > MAX_IDS ? ` and ${group.length - MAX_IDS} more` : "";
  const passing = passingVersions(deciding.map((reason) => reason.finding)).get(finding.purl ?? "");
  const remedy =
    passing?.kind === "version" ? `version ${passing.version} would pass` : "no version without all of them is known";
  return `${packageLabel(finding.purl ?? "")} has ${ids.join(", ")}${more}, found ${describeLocations(finding.locations)}; ${remedy}. [${rule}]`;
}
