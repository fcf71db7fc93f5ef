import { deadlineSignal } from "@flotilla/base/clock";
import { asDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { PageQuery } from "@flotilla/protocol/api/paging";
import {
  RepositoriesParams,
  RepositoryList,
  ScanParams,
  ScanQuery,
  ScanResult,
  TagList,
  TagQuery,
} from "@flotilla/protocol/api/registry";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import { decodeCursor, pageSize, toPage } from "../http/paging.ts";
import { listRepositories, listTags } from "./api-lists.ts";
import { projectOf } from "./path.ts";
import type { Scan, Scans } from "./scans.ts";

const tags = ["registry"];

/** Repositories, tags and scans of a project, for the command line and the console. */
export function registerRegistryApi(app: App, context: Context, scans: Scans): void {
  registerLists(app, context);
  registerScans(app, scans);
}

function registerLists(app: App, context: Context): void {
  app.get(
    "/api/v1/projects/:project/repositories",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "listRepositories",
        summary: "Repositories of the project",
        params: RepositoriesParams,
        querystring: PageQuery,
        response: { 200: RepositoryList },
      },
    },
    async ({ params, query }) => {
      const limit = pageSize(query);
      const [after = ""] = decodeCursor(query.cursor, ["string"]) ?? [];
      const rows = await listRepositories(context, params.project, after, limit + 1);
      return toPage(rows, limit, { item: (row) => row, key: (row) => [row.name] });
    },
  );
  app.get(
    "/api/v1/projects/:project/repositories/tags",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "listTags",
        summary: "Tags of a repository",
        params: RepositoriesParams,
        querystring: TagQuery,
        response: { 200: TagList },
      },
    },
    async ({ params, query }) => {
      if (projectOf(query.repository) !== params.project)
        throw new CodedError("not-found", `project ${params.project} has no repository ${query.repository}`);
      const limit = pageSize(query);
      const [after = ""] = decodeCursor(query.cursor, ["string"]) ?? [];
      const rows = await listTags(context, query.repository, after, limit + 1);
      return toPage(rows, limit, { item: (row) => row, key: (row) => [row.name] });
    },
  );
}

function registerScans(app: App, scans: Scans): void {
  app.get(
    "/api/v1/projects/:project/scans/:digest",
    {
      config: { access: { permission: "scan:read" } },
      schema: {
        tags,
        operationId: "getScan",
        summary: "What the guard found in an image; may wait for the scan to end",
        params: ScanParams,
        querystring: ScanQuery,
        response: { 200: ScanResult },
      },
    },
    async ({ params, query }, reply) => {
      const scan = await waitFor(scans, params.project, params.digest, (query.waitSeconds ?? 0) * 1000, reply.raw);
      if (scan === undefined)
        throw new CodedError("not-found", `project ${params.project} has no image ${params.digest}`);
      return toResult(scan);
    },
  );
}

/** The scan, after waiting for its end at most so long (and not longer than the client does). */
async function waitFor(
  scans: Scans,
  project: string,
  digest: string,
  waitMs: number,
  response: { once(event: "close", listener: () => void): unknown },
): Promise<Scan | undefined> {
  const manifest = asDigest(digest);
  if (waitMs === 0) return scans.get(project, manifest);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const deadline = deadlineSignal(waitMs, gone.signal);
  try {
    return await scans.wait(project, manifest, deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
    return scans.get(project, manifest);
  }
}

function toResult(scan: Scan): ScanResult {
  switch (scan.kind) {
    case "pending":
      return { manifest: scan.manifest, state: "pending" };
    case "failed":
      return { manifest: scan.manifest, state: "failed", problem: scan.problem, finishedAt: scan.finishedAt };
    case "done":
      return { manifest: scan.manifest, state: "done", finishedAt: scan.finishedAt, report: scan.report };
  }
}
