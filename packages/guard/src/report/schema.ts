import { Type } from "typebox";

const strict = { additionalProperties: false };
const Digest = Type.String({
  pattern: "^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$",
  description: "Content digest",
});

const Location = Type.Object(
  {
    path: Type.String({ description: "Relative to the artifact's root, with /" }),
    layer: Type.Optional(Digest),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  strict,
);

const Package = Type.Object(
  {
    purl: Type.String({ pattern: "^pkg:", description: "Canonical package URL; the identity of the package" }),
    ecosystem: Type.String(),
    name: Type.String(),
    version: Type.String(),
    source: Type.Optional(
      Type.Object(
        { name: Type.String(), version: Type.String() },
        { ...strict, description: "What advisories of a distribution are written about" },
      ),
    ),
    distro: Type.Optional(Type.String({ description: "Advisory stream of an OS package, e.g. Debian:12" })),
    evidence: Type.Enum(["installed", "declared"]),
    development: Type.Optional(Type.Boolean()),
    direct: Type.Optional(Type.Boolean()),
    requiredBy: Type.Optional(
      Type.Array(Type.String(), { description: "Package URLs that brought it; the first few" }),
    ),
    licence: Type.Optional(Type.String({ description: "SPDX expression or the declared text" })),
    locations: Type.Array(Location),
  },
  strict,
);

const Statement = Type.Object(
  {
    kind: Type.Enum(["waiver", "vex"]),
    status: Type.Enum(["accepted", "not-affected", "fixed", "affected", "under-investigation"]),
    by: Type.String(),
    reason: Type.String(),
    document: Type.String({ description: "The file that says so" }),
    justification: Type.Optional(Type.String()),
    expires: Type.Optional(Type.String({ description: "Last day, e.g. 2027-01-31" })),
  },
  { ...strict, description: "What a waiver or a VEX document says of the finding" },
);

const Finding = Type.Object(
  {
    kind: Type.Enum(["vulnerability", "malware", "secret", "licence"]),
    id: Type.String({ description: "CVE, else the source's own; the rule of a secret; the licence" }),
    aliases: Type.Array(Type.String()),
    title: Type.Optional(Type.String()),
    purl: Type.Optional(Type.String()),
    severity: Type.Enum(["critical", "high", "medium", "low", "unknown"]),
    cvss: Type.Optional(Type.Number({ minimum: 0, maximum: 10 })),
    fixed: Type.Optional(Type.String({ description: "Lowest version above the installed one that is not affected" })),
    exploited: Type.Optional(Type.Boolean({ description: "In a catalogue of known exploited vulnerabilities" })),
    epss: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    published: Type.Optional(Type.String()),
    base: Type.Optional(Type.Boolean({ description: "Whether it came with the base image" })),
    statement: Type.Optional(Statement),
    known: Type.Optional(Type.Boolean({ description: "Whether the baseline has it too" })),
    location: Location,
    locations: Type.Array(Location),
    sources: Type.Array(Type.String()),
    confidence: Type.Optional(Type.Enum(["proven", "likely"])),
    sample: Type.Optional(Type.String({ description: "Redacted" })),
    fingerprint: Type.Optional(Digest),
  },
  strict,
);

const Reason = Type.Object(
  {
    outcome: Type.Enum(["warn", "block"]),
    rule: Type.String(),
    finding: Finding,
    message: Type.String({ description: "One sentence: what, where, and what would pass" }),
  },
  strict,
);

/** The report as `--format json` writes it; published as docs/report.schema.json. */
export const ReportSchema = Type.Object(
  {
    target: Type.String(),
    packages: Type.Array(Package),
    findings: Type.Array(Finding),
    problems: Type.Array(
      Type.Object({ path: Type.String(), reason: Type.String(), layer: Type.Optional(Digest) }, strict),
    ),
    sources: Type.Array(
      Type.Object(
        { name: Type.String(), asOf: Type.String(), count: Type.Number(), licence: Type.Optional(Type.String()) },
        strict,
      ),
    ),
    verdict: Type.Object(
      {
        outcome: Type.Enum(["pass", "warn", "block"]),
        reasons: Type.Array(Reason),
        dryRun: Type.Optional(Type.Array(Reason)),
      },
      strict,
    ),
    notCovered: Type.Array(Type.String()),
  },
  { ...strict, title: "Flotilla scan report" },
);

/** The text of docs/report.schema.json. */
export function formatReportSchema(): string {
  const schema = { $schema: "https://json-schema.org/draft/2020-12/schema", ...ReportSchema };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
