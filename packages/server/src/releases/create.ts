import { canonicalJson } from "@flotilla/base/canonical-json";
import { toInstant } from "@flotilla/base/clock";
import { CodedError } from "@flotilla/base/errors";
import { uuidv7 } from "@flotilla/base/uuid";
import type { NormalisedApp } from "@flotilla/compose/app";
import { appProblems } from "@flotilla/compose/validate";
import type { Report } from "@flotilla/guard/model";
import type { CreateReleaseRequest, Gate } from "@flotilla/protocol/api/releases";
import { SBOM_ARTIFACT_TYPE, VERDICT_ARTIFACT_TYPE } from "@flotilla/protocol/release";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Policies } from "../policies/port.ts";
import type { Content } from "../registry/content.ts";
import type { Tables } from "../store/tables.ts";
import {
  artifactContents,
  attach,
  buildArtifact,
  checkFiles,
  type Referrer,
  type ReleaseArtifact,
  storeArtifact,
} from "./artifact.ts";
import { imageContents, insertContents, type ReleaseContent } from "./contents.ts";
import { evaluateGate, type GatePorts, type GateResult } from "./gate.ts";
import { resolveImages } from "./resolve-images.ts";
import { findRelease, type ReleaseRow } from "./rows.ts";

export interface ReleasePorts extends GatePorts {
  readonly context: Context;
  readonly content: Content;
  readonly policies: Policies;
  /** The CycloneDX document of a report. */
  readonly sbomOf: (report: Report) => string;
}

export interface NewRelease {
  readonly project: string;
  readonly app: string;
  readonly request: CreateReleaseRequest;
  readonly actor: Actor;
}

export type CreateResult =
  | { readonly kind: "created" | "existing"; readonly row: ReleaseRow }
  | { readonly kind: "preview"; readonly gate: Gate };

/**
 * Makes a release, or finds the one that was made of the same app and images before. Throws `release-blocked` with the reasons when the
 * gate blocks, and the codes of {@link resolveImages} and {@link evaluateGate}. With `dryRun` it only tells what the gate says.
 */
export async function createRelease(ports: ReleasePorts, input: NewRelease): Promise<CreateResult> {
  const { project, actor } = input;
  const { context, content } = ports;
  const app = checkedApp(input);
  const repository = `${project}/${app.name}`;
  await checkFiles(content, repository, app);
  const { images, platforms } = input.request;
  const resolved = await resolveImages(content, { project, app, images, platforms });
  const artifact = buildArtifact(app, resolved);
  const policy = await ports.policies.of(project);
  const target = `${repository}@${artifact.digest}`;
  const result = await evaluateGate(ports, { project, target, policy, images: resolved.map(({ image }) => image) });
  if (input.request.dryRun === true) return { kind: "preview", gate: result.gate };
  if (result.gate.outcome === "block") return block(context, input, result.gate);

  const existing = await findRelease(context, project, app.name, artifact.digest);
  if (existing !== undefined) return { kind: "existing", row: existing };
  await storeArtifact(content, repository, artifact, actor);
  const referrers = await attachReferrers(ports, { repository, artifact, result, policy: policy.name, actor });
  return context.database.write((trx) =>
    record(trx, context, { project, actor, artifact, app, gate: result.gate, referrers }),
  );
}

function checkedApp({ app, request }: NewRelease): NormalisedApp {
  // The schema held it to the normal form; digests in it fit the brand's pattern.
  const compose = request.compose as NormalisedApp;
  if (compose.name !== app)
    throw new CodedError("invalid-request", `the compose application is named ${compose.name}, not ${app}`);
  const problems = appProblems(compose);
  const [first] = problems;
  if (first !== undefined)
    throw new CodedError("invalid-request", `body/compose: ${first.field}: ${first.message}`, {
      details: {
        errors: problems.slice(0, 10).map(({ field, message }) => ({ path: `body/compose/${field}`, message })),
      },
    });
  return compose;
}

async function block(context: Context, input: NewRelease, gate: Gate): Promise<never> {
  const { project, app, actor } = input;
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

interface Referrers {
  readonly sbom: Referrer;
  readonly verdict: Referrer;
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

interface ReleaseRecord {
  readonly project: string;
  readonly actor: Actor;
  readonly artifact: ReleaseArtifact;
  readonly app: NormalisedApp;
  readonly gate: Gate;
  readonly referrers: Referrers;
}

/** Names the release and writes its row and event; the same release made at the same time by another request is found. */
async function record(trx: Transaction<Tables>, context: Context, input: ReleaseRecord): Promise<CreateResult> {
  const { project, actor, artifact, app, gate, referrers } = input;
  const known = await trx
    .selectFrom("releases")
    .selectAll()
    .where("project", "=", project)
    .where("app", "=", app.name)
    .where("digest", "=", artifact.digest)
    .executeTakeFirst();
  if (known !== undefined) return { kind: "existing", row: known };
  const now = toInstant(context.clock.now());
  const number = await nextNumber(trx, project, app.name, now);
  const row: ReleaseRow = {
    id: uuidv7(context.clock.now()),
    project,
    app: app.name,
    number,
    digest: artifact.digest,
    document: canonicalJson(artifact.document),
    compose: canonicalJson(app),
    outcome: gate.outcome === "warn" ? "warn" : "pass",
    gate: canonicalJson(gate),
    sbom_digest: referrers.sbom.digest,
    verdict_digest: referrers.verdict.digest,
    created_at: now,
    created_by: actor.name ?? actor.id,
  };
  await trx.insertInto("releases").values(row).execute();
  await insertContents(trx, { project, app: app.name, number }, contentsOf(input));
  await tagArtifact(trx, {
    project,
    repository: `${project}/${app.name}`,
    tag: `r${number}`,
    digest: artifact.digest,
    now,
  });
  await context.events.append(trx, {
    project,
    actor,
    action: "release.created",
    subject: `release/${artifact.digest}`,
    data: { app: app.name, tag: `r${number}`, outcome: gate.outcome, warnings: gate.reasons.length + gate.omitted },
  });
  return { kind: "created", row };
}

/** Everything that the release needs of the registry. */
function contentsOf({ project, artifact, app, referrers }: ReleaseRecord): readonly ReleaseContent[] {
  const { sbom, verdict } = referrers;
  const own = [...artifactContents(artifact, app), sbom.digest, ...sbom.blobs, verdict.digest, ...verdict.blobs];
  const repository = `${project}/${app.name}`;
  return [...own.map((digest) => ({ repository, digest })), ...imageContents(artifact.document)];
}

async function nextNumber(trx: Transaction<Tables>, project: string, name: string, now: string): Promise<number> {
  await trx
    .insertInto("apps")
    .values({ project, name, created_at: now, last_release: 1 })
    .onConflict((conflict) =>
      conflict.columns(["project", "name"]).doUpdateSet((update) => ({
        last_release: update("apps.last_release", "+", 1),
      })),
    )
    .execute();
  const app = await trx
    .selectFrom("apps")
    .select("last_release")
    .where("project", "=", project)
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return app.last_release;
}

/** In the transaction of the row, so that a tag `r3` always names the release of that number. */
async function tagArtifact(
  trx: Transaction<Tables>,
  tag: {
    readonly project: string;
    readonly repository: string;
    readonly tag: string;
    readonly digest: string;
    readonly now: string;
  },
): Promise<void> {
  const { project, repository, digest, now } = tag;
  await trx
    .insertInto("registry_tags")
    .values({ project, repository, tag: tag.tag, digest, updated_at: now })
    .onConflict((conflict) =>
      conflict.columns(["project", "repository", "tag"]).doUpdateSet({ digest, updated_at: now }),
    )
    .execute();
}
