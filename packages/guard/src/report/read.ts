import { CodedError } from "@flotilla/base/errors";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { parseJsonObject } from "../json.ts";
import type { Finding, FindingKind, Severity } from "../model.ts";

/** What a baseline is made of; newer reports may carry more. */
const BaselineReport = Type.Object({
  findings: Type.Array(
    Type.Object({
      kind: Type.String(),
      id: Type.String(),
      aliases: Type.Array(Type.String()),
      purl: Type.Optional(Type.String()),
      severity: Type.String(),
      fingerprint: Type.Optional(Type.String()),
      location: Type.Object({ path: Type.String() }),
    }),
  ),
});
type BaselineReport = Static<typeof BaselineReport>;

/** The findings of a report that `--format json` wrote, to compare with. Throws `report-invalid` when it is none. */
export function readBaseline(bytes: Buffer, name: string): readonly Finding[] {
  const parsed = parseJsonObject(bytes);
  if (parsed.kind === "bad") throw new CodedError("report-invalid", `${name}: ${parsed.reason}`);
  if (!Value.Check(BaselineReport, parsed.value))
    throw new CodedError("report-invalid", `${name}: not a report that "flotilla scan --format json" wrote`);
  return parsed.value.findings.map(toFinding);
}

function toFinding(found: BaselineReport["findings"][number]): Finding {
  const { kind, severity, fingerprint, ...rest } = found;
  return {
    ...rest,
    kind: kind as FindingKind,
    severity: severity as Severity,
    ...(fingerprint === undefined ? {} : { fingerprint: fingerprint as NonNullable<Finding["fingerprint"]> }),
    locations: [],
    sources: [],
  };
}
