import type { Digest } from "@flotilla/base/digest";

/** Where something was found. `path` is relative to the artifact's root with `/`; `layer` is the layer's diff id, images only. */
export interface Location {
  readonly path: string;
  readonly layer?: Digest;
  /** 1-based. */
  readonly line?: number;
}

export type EcosystemId =
  | "npm"
  | "pypi"
  | "deb"
  | "go"
  | "apk"
  | "opkg"
  | "rpm"
  | "maven"
  | "binaries"
  | "cargo"
  | "nuget"
  | "rubygems"
  | "composer"
  | "pub"
  | "hex"
  | "swift"
  | "conan"
  | "cocoapods";

/** A package that the artifact holds or declares. Equal purls are one package with several locations. */
export interface Package {
  /** Canonical package URL (purl-spec); the identity of the package. */
  readonly purl: string;
  readonly ecosystem: EcosystemId;
  /** As the ecosystem compares it: npm `@scope/name`, PyPI normalised, Go module path, deb binary name. */
  readonly name: string;
  readonly version: string;
  /** What advisories are written about, where it is not name and version: a deb's source package. */
  readonly source?: { readonly name: string; readonly version: string };
  /** Advisory stream of an OS package, as OSV names it: `Debian:12`. */
  readonly distro?: string;
  /** `installed` is really there; `declared` stands in a lockfile or manifest. */
  readonly evidence: "installed" | "declared";
  readonly development?: boolean;
  readonly direct?: boolean;
  /** Purls of packages that brought it, where a lock tells; the first few. */
  readonly requiredBy?: readonly string[];
  /** SPDX expression or the declared text. */
  readonly licence?: string;
  readonly locations: readonly Location[];
}

/** Something that could not be read or was cut short; never a reason to stop, never silent. */
export interface Problem {
  readonly path: string;
  /** kebab-case code, then words: `too-large: 130 MB, the bound is 64 MB`. */
  readonly reason: string;
  readonly layer?: Digest;
}

/** A secret that was found; the secret itself is only here as a redacted sample and a hash. */
export interface SecretHit {
  readonly rule: string;
  readonly title: string;
  /** `proven`: the format carries a checksum or structure that was verified. `likely`: format and entropy fit. */
  readonly confidence: "proven" | "likely";
  readonly severity: Severity;
  /** First four characters and length, e.g. `AKIA… (20 characters)`. */
  readonly sample: string;
  /** SHA-256 of the secret: the same secret is one finding wherever it stands. */
  readonly fingerprint: Digest;
  readonly location: Location;
}

/**
 * Everything the guard takes from one layer's bytes, kept by diff id and never computed twice. Plain JSON. `files` of interest are
 * resolved to packages per layer; `removed` holds whiteouts for merging: a path, or a folder that became opaque.
 */
export interface LayerScan {
  readonly format: number;
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly packages: readonly Package[];
  readonly secrets: readonly SecretHit[];
  readonly problems: readonly Problem[];
  readonly removed: readonly { readonly path: string; readonly opaque: boolean }[];
  /** Facts that need the whole image to interpret, e.g. the text of `etc/os-release` and lists of files owned by OS packages. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What an artifact holds, after layers were merged. */
export interface Inventory {
  readonly packages: readonly Package[];
  readonly secrets: readonly SecretHit[];
  readonly problems: readonly Problem[];
  /** What was met and not looked at, in sentences. */
  readonly notCovered?: readonly string[];
  /** Diff ids of the layers that the base image brought, where the boundary is known. */
  readonly baseLayers?: readonly Digest[];
  /** `debian 12`, from os-release. */
  readonly os?: { readonly id: string; readonly versionId: string; readonly prettyName?: string };
}

export type Severity = "critical" | "high" | "medium" | "low" | "unknown";

export type FindingKind = "vulnerability" | "malware" | "secret" | "licence";

/** What somebody has said of a finding: a waiver of one's own, or a VEX document from outside. */
export interface Statement {
  readonly kind: "waiver" | "vex";
  /** `accepted` (a waiver's), `not-affected` and `fixed` take the finding out of the verdict; the others leave it there. */
  readonly status: "accepted" | "not-affected" | "fixed" | "affected" | "under-investigation";
  /** Owner of the waiver, or author of the document. */
  readonly by: string;
  readonly reason: string;
  /** The file that says so. */
  readonly document: string;
  /** One of VEX's words, e.g. `vulnerable_code_not_in_execute_path`. */
  readonly justification?: string;
  /** The last day on which a waiver holds, `2027-01-31`. */
  readonly expires?: string;
}

/** What the guard says of an artifact. Plain JSON, ordered deterministically. */
export interface Finding {
  readonly kind: FindingKind;
  /** The preferred id: CVE, else the source's own; for secrets the rule. */
  readonly id: string;
  readonly aliases: readonly string[];
  readonly title?: string;
  readonly purl?: string;
  readonly severity: Severity;
  readonly cvss?: number;
  /** Lowest version at or above the installed one that is not affected. */
  readonly fixed?: string;
  /** In a catalogue of known exploited vulnerabilities. */
  readonly exploited?: boolean;
  /** Probability (0–1) of exploitation in the next 30 days, FIRST's EPSS. */
  readonly epss?: number;
  /** RFC 3339 date or instant of the first publication. */
  readonly published?: string;
  /** Whether it came with the base image; absent where that is not known. */
  readonly base?: boolean;
  /** What a waiver or a VEX document says of it. */
  readonly statement?: Statement;
  /** Whether the baseline that was compared with has it too. */
  readonly known?: boolean;
  readonly location: Location;
  readonly locations: readonly Location[];
  /** Names of the advisory sources that say so. */
  readonly sources: readonly string[];
  /** Secrets: how sure. */
  readonly confidence?: SecretHit["confidence"];
  readonly sample?: string;
  readonly fingerprint?: Digest;
}

export type Outcome = "pass" | "warn" | "block";

/** The gate verdict: each reason names the rule and the finding that decided. */
export interface GateVerdict {
  readonly outcome: Outcome;
  readonly reasons: readonly Reason[];
  /** What rules on trial (`dryRun`) would have decided. */
  readonly dryRun?: readonly Reason[];
}

export interface Reason {
  readonly outcome: "warn" | "block";
  /** Name of the policy rule. */
  readonly rule: string;
  readonly finding: Finding;
  /** One sentence: what, where, and which version or act would pass. */
  readonly message: string;
}

/** An advisory source and how old its data is. */
export interface SourceInfo {
  readonly name: string;
  /** RFC 3339 date or instant of the data. */
  readonly asOf: string;
  readonly count: number;
  readonly licence?: string;
}

/** The report of a scan; `--format json` writes exactly this. */
export interface Report {
  readonly target: string;
  readonly packages: readonly Package[];
  readonly findings: readonly Finding[];
  readonly problems: readonly Problem[];
  readonly sources: readonly SourceInfo[];
  readonly verdict: GateVerdict;
  /** What was not looked at, in words: scanners switched off, ecosystems seen but not covered. */
  readonly notCovered: readonly string[];
}

export type Scanner = "inventory" | "vulnerability" | "secret";

/** Advisories for one package name in one ecosystem, opened from the compact store. Implementations decode lazily. */
export interface AdvisoryStore {
  readonly sources: readonly SourceInfo[];
  /** All advisories about `name` (already in the ecosystem's comparing form) in the OSV ecosystem `ecosystem` (`npm`, `PyPI`, `Go`, `Debian:12`). */
  lookup(ecosystem: string, name: string): readonly Advisory[];
  /** Whether there are advisories for this OSV ecosystem at all: without any, no finding means nothing. */
  covers?(ecosystem: string): boolean;
}

export interface Advisory {
  readonly id: string;
  readonly aliases: readonly string[];
  /** The advisory that carries it, where one advisory speaks of several vulnerabilities: `ALSA-2024:2193`, `DSA-5100-1`. */
  readonly via?: string;
  /** Name of the advisory source. */
  readonly source: string;
  readonly kind: "vulnerability" | "malware";
  readonly severity: Severity;
  readonly cvss?: number;
  /** Probability of exploitation in the next 30 days (EPSS), 0 to 1. */
  readonly epss?: number;
  readonly exploited?: boolean;
  /** Affected when in any range, or listed. Events are OSV's: introduced ≤ v < fixed, or v ≤ lastAffected. */
  readonly ranges: readonly { readonly introduced: string; readonly fixed?: string; readonly lastAffected?: string }[];
  readonly versions: readonly string[];
}
