import { asDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import type { NormalisedApp } from "@flotilla/compose/app";
import type { Gate, ReleaseDetail, ReleaseSummary } from "@flotilla/protocol/api/releases";
import type { ReleaseDocument } from "@flotilla/protocol/release";
import type { Selectable } from "kysely";
import type { Context } from "../context.ts";
import type { KnownRelease } from "./port.ts";
import type { ReleaseTable } from "./tables.ts";

export type ReleaseRow = Selectable<ReleaseTable>;

/** The release of an app by digest or by tag (`r3`), or undefined. */
export async function findRelease(
  { database }: Pick<Context, "database">,
  project: string,
  app: string,
  digestOrTag: string,
): Promise<ReleaseRow | undefined> {
  const releases = database.read
    .selectFrom("releases")
    .selectAll()
    .where("project", "=", project)
    .where("app", "=", app);
  const number = /^r([1-9]\d{0,8})$/.exec(digestOrTag)?.[1];
  if (number !== undefined) return releases.where("number", "=", Number(number)).executeTakeFirst();
  return releases.where("digest", "=", digestOrTag).executeTakeFirst();
}

/** As {@link findRelease}; throws `not-found`. */
export async function requireRelease(
  context: Pick<Context, "database">,
  project: string,
  app: string,
  digestOrTag: string,
): Promise<ReleaseRow> {
  const row = await findRelease(context, project, app, digestOrTag);
  if (row === undefined) throw new CodedError("not-found", `the app ${app} has no release ${digestOrTag}`);
  return row;
}

export function summaryOf(row: ReleaseRow): ReleaseSummary {
  return {
    app: row.app,
    digest: row.digest,
    tag: `r${row.number}`,
    repository: `${row.project}/${row.app}`,
    createdAt: row.created_at,
    createdBy: row.created_by,
    outcome: row.outcome,
  };
}

export function detailOf(row: ReleaseRow): ReleaseDetail {
  const compose = JSON.parse(row.compose) as ReleaseDetail["compose"];
  return {
    ...summaryOf(row),
    document: JSON.parse(row.document) as ReleaseDocument,
    compose,
    variables: compose.variables,
    gate: JSON.parse(row.gate) as Gate,
    referrers: { sbom: row.sbom_digest, verdict: row.verdict_digest },
  };
}

export function knownRelease(row: ReleaseRow): KnownRelease {
  const { variables } = JSON.parse(row.compose) as NormalisedApp;
  return {
    project: row.project,
    app: row.app,
    digest: asDigest(row.digest),
    tag: `r${row.number}`,
    repository: `${row.project}/${row.app}`,
    document: JSON.parse(row.document) as ReleaseDocument,
    variables,
  };
}
