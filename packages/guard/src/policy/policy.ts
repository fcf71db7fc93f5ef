import type { FindingKind, SecretHit, Severity } from "../model.ts";

/** What a rule does with the findings it matches. */
export type Action = "block" | "warn" | "ignore";

/** One rule of a policy. Every condition that is given must hold; a rule without conditions matches every finding. */
export interface PolicyRule {
  readonly name: string;
  readonly kinds?: readonly FindingKind[];
  /** Matches findings of at least this severity; `unknown` is below `low`. */
  readonly minSeverity?: Severity;
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
}

/** Rules in order: the first that matches a finding decides on it; a finding that none matches is a warning. */
export interface Policy {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}
