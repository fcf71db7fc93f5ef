import { canonicalJson } from "@flotilla/base/canonical-json";
import { toInstant } from "@flotilla/base/clock";
import { uuidv7 } from "@flotilla/base/uuid";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { Gate } from "@flotilla/protocol/api/releases";
import type { Transaction } from "kysely";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { Tables } from "../store/tables.ts";
import { artifactContents, type Referrer, type ReleaseArtifact } from "./artifact.ts";
import { imageContents, insertContents, type ReleaseContent } from "./contents.ts";
import type { ReleaseRow } from "./rows.ts";

/** What was attached to a release. */
export interface Referrers {
  readonly sbom: Referrer;
  readonly verdict: Referrer;
}

export interface RecordedRelease {
  readonly kind: "created" | "existing";
  readonly row: ReleaseRow;
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
export async function record(
  trx: Transaction<Tables>,
  context: Context,
  input: ReleaseRecord,
): Promise<RecordedRelease> {
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
