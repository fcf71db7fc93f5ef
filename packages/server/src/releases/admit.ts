import { canonicalJson } from "@flotilla/base/canonical-json";
import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { Report } from "@flotilla/guard/model";
import type { Gate } from "@flotilla/protocol/api/releases";
import { type ReleaseImage, SBOM_ARTIFACT_TYPE, VERDICT_ARTIFACT_TYPE } from "@flotilla/protocol/release";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Policies } from "../policies/port.ts";
import type { Content } from "../registry/content.ts";
import { attach, type ReleaseArtifact, storeArtifact } from "./artifact.ts";
import { composeSecrets } from "./compose-secrets.ts";
import { evaluateGate, type GatePorts, type GateResult } from "./gate.ts";
import { type RecordedRelease, type Referrers, record } from "./record.ts";
import { findRelease } from "./rows.ts";

export interface ReleasePorts extends GatePorts {
  readonly context: Context;
  readonly content: Content;
  readonly policies: Policies;
  /** The CycloneDX document of a report. */
  readonly sbomOf: (report: Report) => string;
}

/** An artifact that is to become a release. */
export interface Admission {
  readonly project: string;
  readonly actor: Actor;
  readonly app: NormalisedApp;
  readonly artifact: ReleaseArtifact;
  /** The images that the gate looks at, with the platforms that are here. */
  readonly images: readonly ReleaseImage[];
}

/** What the gate says. Throws the codes of {@link evaluateGate}. */
export async function judgeRelease(
  ports: ReleasePorts,
  { project, app, artifact, images }: Admission,
): Promise<GateResult> {
  const policy = await ports.policies.of(project);
  const target = `${project}/${app.name}@${artifact.digest}`;
  const compose = await composeSecrets(app, (digest) => ports.content.blobs.read(digest));
  return evaluateGate(ports, { project, target, policy, images, compose });
}

/**
 * What the gate lets pass becomes a release: stored, named, with SBOM and verdict attached. Throws `release-blocked` with the reasons when it
 * blocks.
 */
export async function admitRelease(
  ports: ReleasePorts,
  input: Admission,
  result: GateResult,
): Promise<RecordedRelease> {
  const { context, content } = ports;
  const { project, actor, app, artifact } = input;
  const repository = `${project}/${app.name}`;
  if (result.gate.outcome === "block") return block(context, input, result.gate);

  const existing = await findRelease(context, project, app.name, artifact.digest);
  if (existing !== undefined) return { kind: "existing", row: existing };
  await storeArtifact(content, repository, artifact, actor);
  const { name: policy } = await ports.policies.of(project);
  const referrers = await attachReferrers(ports, { repository, artifact, result, policy, actor });
  return context.database.write((trx) =>
    record(trx, context, { project, actor, artifact, app, gate: result.gate, referrers }),
  );
}

async function block(context: Context, input: Admission, gate: Gate): Promise<never> {
  const { project, actor } = input;
  const app = input.app.name;
  const blocking = gate.reasons.filter((reason) => reason.outcome === "block");
  const rules = [...new Set(blocking.map((reason) => reason.rule))];
  const findings = blocking.slice(0, 20).map(({ image, rule, finding }) => ({ image, rule, id: finding?.id ?? null }));
  await context.database.write((trx) =>
    context.events.append(trx, {
      project,
      actor,
      action: "release.blocked",
      subject: `app/${app}`,
      data: { rules, findings, count: blocking.length },
    }),
  );
  const first = blocking[0]?.message ?? "";
  const more = blocking.length > 1 ? ` (and ${blocking.length - 1} more)` : "";
  throw new CodedError("release-blocked", `the policy blocks this release: ${first}${more}`, {
    details: { reasons: gate.reasons, omitted: gate.omitted },
  });
}

interface ReferrerInput {
  readonly repository: string;
  readonly artifact: ReleaseArtifact;
  readonly result: GateResult;
  readonly policy: string;
  readonly actor: Actor;
}

async function attachReferrers(ports: ReleasePorts, input: ReferrerInput): Promise<Referrers> {
  const { repository, artifact, result, policy, actor } = input;
  const sbom = await attach(ports.content, repository, artifact, {
    artifactType: SBOM_ARTIFACT_TYPE,
    text: ports.sbomOf(result.report),
    actor,
  });
  const verdict = await attach(ports.content, repository, artifact, {
    artifactType: VERDICT_ARTIFACT_TYPE,
    text: canonicalJson({
      format: 1,
      release: artifact.digest,
      policy,
      evaluatedAt: toInstant(ports.context.clock.now()),
      sources: result.report.sources,
      problems: result.report.problems.length,
      notCovered: result.report.notCovered,
      ...result.gate,
    }),
    actor,
  });
  return { sbom, verdict };
}
