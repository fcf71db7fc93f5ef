import { canonicalJson } from "@flotilla/base/canonical-json";
import type { Finding, Location, Package, Report, Statement } from "../model.ts";
import { packageLabel } from "../policy/reason.ts";
import { contentUuid } from "./identity.ts";
import { toCycloneDxLicence } from "./licences.ts";

export interface CycloneDxOptions {
  /** Milliseconds since the epoch (`SOURCE_DATE_EPOCH` for builds that are to be repeated); left out when not given. */
  readonly timestampMs?: number;
}

interface Property {
  readonly name: string;
  readonly value: string;
}

const ROOT_REF = "flotilla:target";

/**
 * The report as a CycloneDX 1.6 bill of materials with vulnerabilities. The same report gives the same bytes; the serial number is
 * derived from them. Secrets are no part of a bill of materials and are only counted.
 */
export function formatCycloneDx(report: Report, options: CycloneDxOptions = {}): string {
  const body = {
    metadata: metadataOf(report, options),
    components: report.packages.map(toComponent).sort(byRef),
    vulnerabilities: report.findings
      .filter(({ purl, kind }) => purl !== undefined && kind !== "licence")
      .map(toVulnerability)
      .sort(byRef),
  };
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${contentUuid(canonicalJson(body))}`,
    version: 1,
    ...body,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function metadataOf(report: Report, { timestampMs }: CycloneDxOptions): Record<string, unknown> {
  const secrets = report.findings.filter(({ kind }) => kind === "secret").length;
  return {
    ...(timestampMs === undefined ? {} : { timestamp: new Date(timestampMs).toISOString() }),
    tools: { components: [{ type: "application", name: "flotilla" }] },
    component: { type: componentType(report.target), name: report.target || "unnamed", "bom-ref": ROOT_REF },
    properties: [
      { name: "flotilla:verdict", value: report.verdict.outcome },
      { name: "flotilla:secrets", value: String(secrets) },
      ...report.sources.map(({ name, asOf }) => ({ name: "flotilla:advisories", value: `${name} of ${asOf}` })),
      ...report.problems.map(({ path, reason }) => ({ name: "flotilla:problem", value: `${path}: ${reason}` })),
      ...report.notCovered.map((value) => ({ name: "flotilla:not-covered", value })),
    ],
  };
}

function componentType(target: string): string {
  return /^(?:dir|sbom):/.test(target) ? "application" : "container";
}

function toComponent(item: Package): { "bom-ref": string } & Record<string, unknown> {
  const [group, name] = splitName(item);
  return {
    type: "library",
    "bom-ref": item.purl,
    ...(group === undefined ? {} : { group }),
    name,
    version: item.version,
    ...(item.development ? { scope: "optional" } : {}),
    ...(item.licence === undefined || item.licence.trim() === ""
      ? {}
      : { licenses: [toCycloneDxLicence(item.licence)] }),
    purl: item.purl,
    properties: [
      { name: "flotilla:evidence", value: item.evidence },
      ...(item.source === undefined
        ? []
        : [{ name: "flotilla:source", value: `${item.source.name} ${item.source.version}` }]),
      ...(item.distro === undefined ? [] : [{ name: "flotilla:distro", value: item.distro }]),
      ...locationProperties(item.locations),
    ],
  };
}

/** npm's scope is CycloneDX' group; elsewhere the name stands whole, as people know it. */
function splitName(item: Package): readonly [group: string | undefined, name: string] {
  const slash = item.ecosystem === "npm" && item.name.startsWith("@") ? item.name.indexOf("/") : -1;
  return slash < 0 ? [undefined, item.name] : [item.name.slice(0, slash), item.name.slice(slash + 1)];
}

function locationProperties(locations: readonly Location[]): Property[] {
  return locations.flatMap(({ path, layer }, index) => [
    { name: `flotilla:location:${index}:path`, value: path },
    ...(layer === undefined ? [] : [{ name: `flotilla:location:${index}:layer`, value: layer }]),
  ]);
}

function toVulnerability(finding: Finding): { "bom-ref": string } & Record<string, unknown> {
  const purl = finding.purl ?? "";
  const [source = "unknown"] = finding.sources;
  return {
    "bom-ref": `${finding.id}#${purl}`,
    id: finding.id,
    source: { name: source },
    ...(finding.aliases.length === 0
      ? {}
      : { references: finding.aliases.map((id) => ({ id, source: { name: source } })) }),
    ratings: [{ severity: finding.severity, ...(finding.cvss === undefined ? {} : { score: finding.cvss }) }],
    ...(finding.fixed === undefined
      ? {}
      : { recommendation: `Upgrade ${packageLabel(purl)} to ${finding.fixed} or later.` }),
    ...(finding.statement === undefined ? {} : { analysis: analysisOf(finding.statement) }),
    affects: [{ ref: purl }],
    properties: [
      { name: "flotilla:kind", value: finding.kind },
      ...(finding.fixed === undefined ? [] : [{ name: "flotilla:fixed", value: finding.fixed }]),
      ...(finding.exploited ? [{ name: "flotilla:exploited", value: "true" }] : []),
    ],
  };
}

const STATES: Readonly<Record<Statement["status"], string>> = {
  accepted: "exploitable",
  "not-affected": "not_affected",
  fixed: "resolved",
  affected: "exploitable",
  "under-investigation": "in_triage",
};

/** CycloneDX 1.6, `vulnerability.analysis`: its justifications are other words than OpenVEX's, so they stand in the detail. */
function analysisOf({ status, by, reason, justification, document }: Statement): Record<string, unknown> {
  const why = justification === undefined ? reason : `${reason} (${justification})`;
  return {
    state: STATES[status],
    ...(status === "accepted" ? { response: ["will_not_fix"] } : {}),
    detail: `${why}; says ${by} in ${document}`,
  };
}

function byRef(a: { "bom-ref": string }, b: { "bom-ref": string }): number {
  return a["bom-ref"] < b["bom-ref"] ? -1 : 1;
}
