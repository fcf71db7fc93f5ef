import type { LicenceCategory } from "../licences/category.ts";
import type { FindingKind, SecretHit, Severity } from "../model.ts";

/** What a rule does with the findings it matches. */
export type Action = "block" | "warn" | "ignore";

/** One rule of a policy. Every condition that is given must hold; a rule without conditions matches every finding. */
export interface PolicyRule {
  readonly name: string;
  readonly kinds?: readonly FindingKind[];
  /** Matches findings of at least this severity; `unknown` is below `low`. */
  readonly minSeverity?: Severity;
  /** CVSS base score of at least this; findings without a score do not match. */
  readonly minCvss?: number;
  /** EPSS probability (0–1) of at least this; findings without one do not match. */
  readonly minEpss?: number;
  /** Published at least so many days ago; findings of unknown age do not match. */
  readonly minAgeDays?: number;
  /** Whether the finding came with the base image; where the boundary is not known, neither matches. */
  readonly fromBaseImage?: boolean;
  /** SPDX ids; matches packages that cannot be used without one of them: `MIT OR GPL-3.0-only` can be. */
  readonly licences?: readonly string[];
  readonly licenceCategories?: readonly LicenceCategory[];
  /** Whether the finding is in a catalogue of known exploited vulnerabilities. */
  readonly exploited?: boolean;
  /** Whether a version that is not affected is known. */
  readonly fixAvailable?: boolean;
  /** Secrets: how sure the detector is. */
  readonly confidence?: readonly SecretHit["confidence"][];
  /** Ids or aliases, e.g. `CVE-2021-44228`. */
  readonly ids?: readonly string[];
  /** Package URLs in which `*` stands for any text, e.g. `pkg:npm/lodash@*`. */
  readonly packages?: readonly string[];
  readonly action: Action;
  /** The last day (UTC) on which the rule holds, `2027-01-31`. */
  readonly expires?: string;
  /** On trial: what it would decide is reported, the next rule that matches decides. */
  readonly dryRun?: boolean;
}

/** Rules in order: the first that matches a finding decides on it; a finding that none matches is a warning. */
export interface Policy {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}
