import { shortDigest } from "@flotilla/base/digest";
import type { Finding, Location } from "../model.ts";
import type { Passing } from "./passing.ts";

const SHOWN_LOCATIONS = 3;

/** One sentence on a finding: what, where, and which version or act would pass. `passing` is of the finding's package, when it blocks. */
export function explain(finding: Finding, passing?: Passing): string {
  const where = describeLocations(finding.locations.length > 0 ? finding.locations : [finding.location]);
  switch (finding.kind) {
    case "malware":
      return `${packageOf(finding)} is malware (${finding.id}), found ${where}; remove it and treat the machines that ran it as compromised.`;
    case "secret":
      return `A secret (${finding.title ?? finding.id}, ${finding.sample ?? "redacted"}) lies ${where}; revoke it and build again without it.`;
    case "licence":
      return `${packageOf(finding)} is licensed as ${finding.title ?? "nothing that is declared"}, found ${where}; replace it, or allow the licence in the policy.`;
    case "vulnerability":
      return `${packageOf(finding)} has ${finding.id} (${rating(finding)}), found ${where}; ${remedyOf(finding, passing)}.`;
  }
}

/** What was said of a finding and by whom, or that the baseline has it; empty when nothing was. */
export function describeStatement({ statement, known }: Finding): string {
  if (statement === undefined) return known ? "the baseline has it too" : "";
  const { status, by, document, expires, reason } = statement;
  const until = expires === undefined ? "" : ` until ${expires}`;
  return `${status.replaceAll("-", " ")}${until}, says ${by} in ${document}: ${reason}`;
}

/** `name version` of a package URL, for people. */
export function packageLabel(purl: string): string {
  const body = purl.replace(/^pkg:[^/]*\//, "").replace(/[?#].*$/, "");
  const at = body.lastIndexOf("@");
  const name = at <= 0 ? body : body.slice(0, at);
  const label = at <= 0 ? name : `${name} ${body.slice(at + 1)}`;
  return decodePurl(label);
}

/** `in <path> (layer <digest>)`, for people; the first few when there are many. */
export function describeLocations(locations: readonly Location[]): string {
  const shown = locations.slice(0, SHOWN_LOCATIONS).map(describeLocation);
  const more = locations.length - shown.length;
  return `in ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function describeLocation(location: Location): string {
  const line = location.line === undefined ? "" : `:${location.line}`;
  const layer = location.layer === undefined ? "" : ` (layer ${shortDigest(location.layer)})`;
  return `${location.path}${line}${layer}`;
}

function packageOf(finding: Finding): string {
  return finding.purl === undefined ? "A package" : packageLabel(finding.purl);
}

function rating(finding: Finding): string {
  const severity = finding.severity === "unknown" ? "severity unknown" : finding.severity;
  return finding.exploited ? `${severity}, known to be exploited` : severity;
}

function remedyOf({ fixed }: Finding, passing: Passing | undefined): string {
  if (fixed === undefined) return "no version without it is known";
  if (passing === undefined) return `fixed in ${fixed}`;
  if (passing.kind === "none") return `fixed in ${fixed}, but no version that would pass is known`;
  return passing.version === fixed
    ? `version ${fixed} would pass`
    : `fixed in ${fixed}, and ${passing.version} would pass`;
}

/** A package URL, or a part of it, without percent-encoding; as it is where the encoding is broken. */
export function decodePurl(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
