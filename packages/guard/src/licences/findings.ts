import type { Finding, Package } from "../model.ts";
import { type DecisionContext, matches } from "../policy/matches.ts";
import type { Policy, PolicyRule } from "../policy/policy.ts";
import { categoryOf, type LicenceCategory } from "./category.ts";
import { normaliseLicence } from "./normalise.ts";

const SEVERITIES: Readonly<Record<LicenceCategory, Finding["severity"]>> = {
  permissive: "low",
  "weak-copyleft": "low",
  unknown: "low",
  "strong-copyleft": "medium",
};

/** A licence is a finding where a rule of the policy asks about it: packages whose licence any such rule matches. */
export function licenceFindings(packages: readonly Package[], policy: Policy, context: DecisionContext): Finding[] {
  const rules = policy.rules.filter(asksForLicences);
  if (rules.length === 0) return [];
  return packages.map(toFinding).filter((finding) => rules.some((rule) => matches(rule, finding, context)));
}

function asksForLicences({ licences, licenceCategories }: PolicyRule): boolean {
  return licences !== undefined || licenceCategories !== undefined;
}

function toFinding(item: Package): Finding {
  const declared = item.licence?.trim() ?? "";
  const [location = { path: "" }] = item.locations;
  return {
    kind: "licence",
    id: declared === "" ? "no-licence" : (normaliseLicence(declared) ?? declared.slice(0, 200)),
    aliases: [],
    ...(declared === "" ? {} : { title: declared }),
    purl: item.purl,
    severity: SEVERITIES[categoryOf(declared)],
    location,
    locations: item.locations,
    sources: [],
  };
}
