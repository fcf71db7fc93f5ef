import type { Finding, Location, Problem, Report, Severity } from "../model.ts";
import { isSettled } from "../policy/evaluate.ts";
import { describeStatement, explain, packageLabel } from "../policy/reason.ts";
import { findingIdentity, placeIdentity } from "./identity.ts";
import { type FormatOptions, TOOL_NAME, TOOL_VERSION, wholeSeconds } from "./tool.ts";

type Json = Readonly<Record<string, unknown>>;

/** GitHub takes at most 25,000 results and rules in a run; what is left out is said in a notification. */
const MAX_RESULTS = 25_000;
const MAX_RELATED = 20;
const MAX_NOTIFICATIONS = 1000;

const LEVELS: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
  unknown: "warning",
};

/** What GitHub sorts by, a CVSS score as text, for findings that have none: the middle of the severity's range. */
const SEVERITY_SCORES: Readonly<Record<Severity, number>> = {
  critical: 9.5,
  high: 8,
  medium: 5.5,
  low: 2,
  unknown: 5.5,
};

const KIND_WORDS: Readonly<Record<Finding["kind"], string>> = {
  vulnerability: "vulnerability",
  malware: "malware",
  secret: "secret",
  licence: "licence",
};

/**
 * The report as SARIF 2.1.0, as code scanning of GitHub and GitLab read it: one rule per id, one result per finding, at its first place
 * with the others beside it. Fingerprints stay the same when lines move and versions change.
 */
export function formatSarif(report: Report, options: FormatOptions): string {
  const shown = report.findings.slice(0, MAX_RESULTS);
  const byId = Map.groupBy(shown, ({ id }) => id);
  const indexOf = new Map([...byId.keys()].map((id, index) => [id, index]));
  const run = {
    tool: {
      driver: {
        name: TOOL_NAME,
        version: TOOL_VERSION,
        semanticVersion: TOOL_VERSION,
        rules: [...byId].map(([id, findings]) => toRule(id, findings)),
      },
    },
    automationDetails: { id: `${TOOL_NAME}/${report.target}/` },
    invocations: [
      {
        executionSuccessful: true,
        endTimeUtc: wholeSeconds(options.timestampMs),
        toolExecutionNotifications: notifications(report, shown.length),
      },
    ],
    columnKind: "utf16CodeUnits",
    results: shown.map((finding) => toResult(finding, indexOf.get(finding.id) ?? 0, report)),
    properties: { verdict: report.verdict.outcome, sources: report.sources, notCovered: report.notCovered },
  };
  const log = { $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function toRule(id: string, findings: readonly Finding[]): Json {
  const scores = findings.map(({ cvss, severity }) => cvss ?? SEVERITY_SCORES[severity]);
  const [first] = findings;
  const kind = first?.kind ?? "vulnerability";
  const title = first?.title ?? id;
  const packages = [...new Set(findings.flatMap(({ purl }) => (purl === undefined ? [] : packageLabel(purl))))].sort();
  const about = packages.length === 0 ? title : `${id} (${KIND_WORDS[kind]}) in ${packages.slice(0, 5).join(", ")}`;
  const aliases = [...new Set(findings.flatMap((finding) => finding.aliases))].sort();
  const help = `${about}.${aliases.length === 0 ? "" : ` Also known as ${aliases.join(", ")}.`}`;
  return {
    id,
    name: id,
    shortDescription: { text: about.slice(0, 1000) },
    fullDescription: { text: help.slice(0, 1000) },
    help: { text: help },
    defaultConfiguration: { level: LEVELS[first?.severity ?? "unknown"] },
    properties: {
      tags: ["security", KIND_WORDS[kind]],
      precision: first?.confidence === "likely" ? "medium" : "very-high",
      "security-severity": Math.max(...scores).toFixed(1),
    },
  };
}

function toResult(finding: Finding, ruleIndex: number, report: Report): Json {
  const places = finding.locations.length > 0 ? finding.locations : [finding.location];
  const [first = finding.location, ...others] = places;
  const identity = findingIdentity(finding);
  const { purl, severity, fixed, exploited } = finding;
  return {
    ruleId: finding.id,
    ruleIndex,
    kind: "fail",
    level: LEVELS[severity],
    message: { text: explain(finding) },
    locations: [toLocation(first, report.target, finding)],
    ...(others.length === 0
      ? {}
      : {
          relatedLocations: others
            .slice(0, MAX_RELATED)
            .map((place, id) => ({ id, ...toLocation(place, report.target, finding) })),
        }),
    ...(finding.statement !== undefined && isSettled({ ...finding, known: false })
      ? { suppressions: [{ kind: "external", status: "accepted", justification: describeStatement(finding) }] }
      : {}),
    ...(finding.known === undefined ? {} : { baselineState: finding.known ? "unchanged" : "new" }),
    partialFingerprints: {
      // GitHub compares this one alone; "flotilla/v1" is for everybody else and does not know the place.
      primaryLocationLineHash: `${placeIdentity(finding, first.path).slice(0, 16)}:1`,
      "flotilla/v1": identity,
    },
    properties: {
      severity,
      ...(purl === undefined ? {} : { purl }),
      ...(fixed === undefined ? {} : { fixed }),
      ...(exploited ? { exploited } : {}),
    },
  };
}

/** GitHub shows only results that have a file and a line; the packages' own names and layers stand in the logical locations. */
function toLocation(location: Location, target: string, finding: Finding): Json {
  const logical = [
    ...(finding.purl === undefined ? [] : [{ fullyQualifiedName: finding.purl, kind: "package" }]),
    ...(location.layer === undefined ? [] : [{ fullyQualifiedName: location.layer, kind: "layer" }]),
  ];
  return {
    physicalLocation: {
      artifactLocation: { uri: toUri(location.path || target) },
      region: { startLine: location.line ?? 1 },
    },
    ...(logical.length === 0 ? {} : { logicalLocations: logical }),
  };
}

/** A relative reference (RFC 3986 §4.2): no segment can be taken for a scheme, nothing of a path is markup. */
function toUri(path: string): string {
  return path
    .replace(/^\/+/, "")
    .split("/")
    .map((segment) => encodeURIComponent(segment.toWellFormed()))
    .join("/");
}

function notifications(report: Report, shown: number): Json[] {
  const cut = report.findings.length - shown;
  const left = cut > 0 ? [{ level: "warning", message: { text: `${cut} more findings are not in this file` } }] : [];
  return [...left, ...report.problems.slice(0, MAX_NOTIFICATIONS).map(toNotification)];
}

function toNotification({ path, reason }: Problem): Json {
  return {
    level: "warning",
    message: { text: `${path}: ${reason}` },
    ...(path === "" ? {} : { locations: [{ physicalLocation: { artifactLocation: { uri: toUri(path) } } }] }),
  };
}
