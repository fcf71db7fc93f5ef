import { categoryOf } from "../licences/category.ts";
import type { Finding, Outcome, Package, Report } from "../model.ts";
import { describeLocations, describeStatement, explain, packageLabel } from "../policy/reason.ts";
import { SEVERITIES } from "../severity.ts";
import { type Bar, barChart } from "./html-chart.ts";
import { STYLE } from "./html-style.ts";
import { plural } from "./text.ts";
import { type FormatOptions, wholeSeconds } from "./tool.ts";
import { escapeMarkup } from "./xml.ts";

/** Rows of one table; a report of hundreds of thousands would stop a browser. What is left out is counted. */
const MAX_ROWS = 5000;
const MAX_REASONS = 200;
const MAX_BARS = 12;

const OUTCOMES: Readonly<Record<Outcome, string>> = { pass: "Passed", warn: "Passed with warnings", block: "Blocked" };
const CATEGORIES = ["permissive", "weak-copyleft", "strong-copyleft", "unknown"] as const;

/**
 * The report as one HTML file for a browser: no script, no address, nothing fetched; a content security policy says so to the browser
 * too. Everything that comes from the artifact is escaped.
 */
export function formatHtml(report: Report, options: FormatOptions): string {
  const title = `${report.target}: ${OUTCOMES[report.verdict.outcome].toLowerCase()}`;
  const sections = [
    header(report, options),
    charts(report),
    fixes(report),
    findings(report),
    packages(report),
    gaps(report),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${sections.filter((section) => section !== "").join("\n")}
</main>
</body>
</html>
`;
}

function header(report: Report, { timestampMs }: FormatOptions): string {
  const { outcome, reasons } = report.verdict;
  const deciding = reasons.filter((reason) => reason.outcome === outcome);
  const lines = deciding
    .slice(0, MAX_REASONS)
    .map(({ message, rule }) => `<li>${escapeMarkup(message)} <span class="dim">[${escapeMarkup(rule)}]</span></li>`);
  const more = deciding.length > MAX_REASONS ? `<li>and ${deciding.length - MAX_REASONS} more</li>` : "";
  const limits = outcome !== "block" && report.notCovered.length > 0 ? ", as far as was covered" : "";
  const open = deciding.length <= 10 ? " open" : "";
  const list =
    lines.length === 0
      ? ""
      : `<details${open}><summary>${plural(deciding.length, "reason")}</summary><ul>${lines.join("")}${more}</ul></details>`;
  return `<h1>${escapeMarkup(report.target)}</h1>
<p class="dim">${plural(report.packages.length, "package")}, ${plural(report.findings.length, "finding")}; written ${wholeSeconds(timestampMs)}</p>
<div class="card verdict ${outcome}"><strong>${OUTCOMES[outcome]}${limits}</strong>${list}</div>`;
}

function charts(report: Report): string {
  const bySeverity = SEVERITIES.toReversed().map((severity): Bar => {
    const count = report.findings.filter((finding) => finding.severity === severity).length;
    return { label: severity, count, tone: severity };
  });
  const byEcosystem = countBy(report.packages, ({ ecosystem }) => ecosystem);
  const byLicence = CATEGORIES.map((category): Bar => {
    const count = report.packages.filter(({ licence }) => categoryOf(licence) === category).length;
    return { label: category, count };
  });
  const cards = [
    barChart("Findings by severity", bySeverity),
    barChart("Packages by ecosystem", byEcosystem.slice(0, MAX_BARS)),
    barChart("Packages by licence", byLicence),
  ];
  return `<div class="row">${cards.map((chart) => `<div class="card">${chart}</div>`).join("")}</div>`;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Bar[] {
  return [...Map.groupBy(items, key)]
    .map(([label, group]) => ({ label, count: group.length }))
    .sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1));
}

/** What to do, by package: the upgrade that mends most of its findings first. */
function fixes(report: Report): string {
  const byPurl = Map.groupBy(
    report.findings.filter(({ fixed, purl }) => fixed !== undefined && purl !== undefined),
    ({ purl }) => purl ?? "",
  );
  const rows = [...byPurl]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([purl, group]) => {
      const versions = [...new Set(group.map(({ fixed }) => fixed ?? ""))].join(", ");
      return [escapeMarkup(packageLabel(purl)), escapeMarkup(versions), String(group.length)];
    });
  return table("Upgrades", ["Package", "Fixed in", "Fixes"], rows);
}

function findings(report: Report): string {
  const rows = report.findings.map((finding) => [
    `<span class="tag ${finding.severity}">${finding.severity}</span>`,
    `<code>${escapeMarkup(finding.id)}</code>${notes(finding)}`,
    escapeMarkup(finding.purl === undefined ? (finding.title ?? finding.kind) : packageLabel(finding.purl)),
    escapeMarkup(finding.fixed ?? ""),
    escapeMarkup(explain(finding)),
  ]);
  return table("Findings", ["Severity", "Id", "Of", "Fixed in", "What"], rows);
}

function notes(finding: Finding): string {
  const { aliases, cvss, exploited } = finding;
  const lines = [
    exploited ? "known to be exploited" : "",
    cvss === undefined ? "" : `CVSS ${cvss.toFixed(1)}`,
    aliases.join(", "),
    describeStatement(finding),
  ].filter((line) => line !== "");
  return lines.length === 0 ? "" : `<br><span class="dim">${escapeMarkup(lines.join("; "))}</span>`;
}

function packages(report: Report): string {
  const rows = report.packages.map((item: Package) => [
    escapeMarkup(item.name),
    escapeMarkup(item.version),
    escapeMarkup(item.distro ?? item.ecosystem),
    escapeMarkup(item.licence ?? ""),
    escapeMarkup(describeLocations(item.locations).replace(/^in /, "")),
  ]);
  const body = table("", ["Name", "Version", "From", "Licence", "Place"], rows);
  return rows.length === 0
    ? ""
    : `<h2>Packages</h2><details><summary>${plural(rows.length, "package")}</summary>${body}</details>`;
}

function gaps(report: Report): string {
  const problems = report.problems.map(({ path, reason }) => [escapeMarkup(path), escapeMarkup(reason)]);
  const notCovered = report.notCovered.map((line) => [escapeMarkup(line)]);
  const sources = report.sources.map(({ name, asOf, count, licence }) =>
    [name, asOf.slice(0, 10), String(count), licence ?? ""].map(escapeMarkup),
  );
  return [
    table("Not covered", [], notCovered),
    table("Problems", ["File", "What"], problems),
    table("Advisories", ["Source", "As of", "Entries", "Licence"], sources),
  ].join("\n");
}

/** A table of cells that are markup already; nothing when there are no rows. */
function table(title: string, heading: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const head = heading.length === 0 ? "" : `<tr>${heading.map((text) => `<th>${text}</th>`).join("")}</tr>`;
  const body = rows.slice(0, MAX_ROWS).map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  const more = rows.length > MAX_ROWS ? `<p class="dim">and ${plural(rows.length - MAX_ROWS, "more row")}</p>` : "";
  const above = title === "" ? "" : `<h2>${title}</h2>\n`;
  return `${above}<div class="card scroll"><table>${head}\n${body.join("\n")}</table></div>${more}`;
}
