import type { Finding, Package, Report, Severity } from "../model.ts";
import { isSettled } from "../policy/evaluate.ts";
import { explain, packageLabel } from "../policy/reason.ts";
import { contentUuid, findingIdentity } from "./identity.ts";
import { type FormatOptions, TOOL_NAME, TOOL_VERSION } from "./tool.ts";

type Json = Readonly<Record<string, unknown>>;

/** GitLab's security report schemas; one file per kind, named in `artifacts:reports`. */
export type GitLabForm = "dependency_scanning" | "container_scanning" | "secret_detection";

const SCHEMA_VERSION = "15.0.7";
const MAX_NAME = 255;
/** What schemas demand where there is no commit: the file is what was scanned. */
const NO_COMMIT = "0000000";

const SEVERITIES: Readonly<Record<Severity, string>> = {
  critical: "Critical",
  high: "High",
  medium: "Medium",
  low: "Low",
  unknown: "Unknown",
};

const IDENTIFIER_TYPES: readonly (readonly [prefix: RegExp, type: string])[] = [
  [/^CVE-/, "cve"],
  [/^GHSA-/, "ghsa"],
  [/^(?:USN|RHSA|ELSA)-/, "usn"],
  [/^OSVDB-/, "osvdb"],
];

/** Managers as GitLab's list of dependencies calls them. */
const MANAGERS: Readonly<Record<string, string>> = { npm: "npm", pypi: "pip", go: "go", maven: "maven" };

/**
 * The report in one of GitLab's forms: packages' vulnerabilities and malware as dependencies (of a source tree) or as a container's
 * (of an image), secrets by themselves. What a form has no place for is left to the others.
 */
export function formatGitLab(report: Report, form: GitLabForm, options: FormatOptions): string {
  const wanted = report.findings.filter((finding) => !isSettled(finding) && belongsTo(finding, form));
  const scanned = { target: report.target, packages: new Map(report.packages.map((item) => [item.purl, item])) };
  const time = new Date(options.timestampMs).toISOString().slice(0, 19);
  const program = { id: TOOL_NAME, name: "Flotilla", vendor: { name: "Flotilla" }, version: TOOL_VERSION };
  const document = {
    version: SCHEMA_VERSION,
    scan: {
      analyzer: program,
      scanner: program,
      type: form,
      start_time: time,
      end_time: time,
      status: "success",
      messages: report.problems
        .slice(0, 100)
        .map(({ path, reason }) => ({ level: "warn", value: `${path}: ${reason}` })),
    },
    vulnerabilities: wanted.map((finding) => toVulnerability(finding, form, scanned)),
    ...(form === "dependency_scanning" ? { dependency_files: dependencyFiles(report) } : {}),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** What was scanned, its packages by package URL. */
interface Scanned {
  readonly target: string;
  readonly packages: ReadonlyMap<string, Package>;
}

/** Licences have no form of GitLab's: they stand in the bill of materials. */
function belongsTo({ kind, purl }: Finding, form: GitLabForm): boolean {
  if (form === "secret_detection") return kind === "secret";
  return (kind === "vulnerability" || kind === "malware") && purl !== undefined;
}

function toVulnerability(finding: Finding, form: GitLabForm, scanned: Scanned): Json {
  const { id, severity, fixed, purl } = finding;
  const what = finding.title ?? (purl === undefined ? id : `${id} in ${packageLabel(purl)}`);
  return {
    id: contentUuid(`${findingIdentity(finding)} ${purl ?? ""}`),
    name: what.slice(0, MAX_NAME),
    description: explain(finding),
    severity: SEVERITIES[severity],
    ...(fixed === undefined || purl === undefined
      ? {}
      : { solution: `Upgrade ${packageLabel(purl)} to ${fixed} or later.` }),
    identifiers: [id, ...finding.aliases].map(toIdentifier),
    location: toLocation(finding, form, scanned),
  };
}

function toIdentifier(id: string): Json {
  const type = IDENTIFIER_TYPES.find(([prefix]) => prefix.test(id))?.[1] ?? TOOL_NAME;
  return { type, name: id, value: id };
}

function toLocation(finding: Finding, form: GitLabForm, scanned: Scanned): Json {
  const { path, line } = finding.location;
  switch (form) {
    case "secret_detection":
      return { file: path, ...(line === undefined ? {} : { start_line: line }), commit: { sha: NO_COMMIT } };
    case "dependency_scanning":
      return { file: path, dependency: dependencyOf(finding, scanned) };
    case "container_scanning":
      return {
        dependency: dependencyOf(finding, scanned),
        operating_system: scanned.packages.get(finding.purl ?? "")?.distro ?? "unknown",
        image: imageName(scanned.target),
      };
  }
}

function dependencyOf({ purl }: Finding, { packages }: Scanned): Json {
  const item = packages.get(purl ?? "");
  return { package: { name: item?.name ?? packageLabel(purl ?? "") }, version: item?.version ?? "" };
}

/** The image as it is pulled: without the kind of target, with a tag or digest as GitLab's form wants one. */
function imageName(target: string): string {
  const name = target.replace(/^(?:registry|docker|oci|docker-archive|sbom|dir):/, "") || "unnamed";
  return /[:@][^/]+$/.test(name) ? name : `${name}:latest`;
}

function dependencyFiles(report: Report): Json[] {
  const byFile = Map.groupBy(
    report.packages.filter(({ ecosystem, locations }) => Object.hasOwn(MANAGERS, ecosystem) && locations.length > 0),
    ({ ecosystem, locations }) => `${locations[0]?.path}\n${ecosystem}`,
  );
  return [...byFile].map(([key, packages]) => {
    const [path = "", ecosystem = ""] = key.split("\n");
    const dependencies = packages.map(({ name, version }) => ({ package: { name }, version }));
    return { path, package_manager: MANAGERS[ecosystem], dependencies };
  });
}
