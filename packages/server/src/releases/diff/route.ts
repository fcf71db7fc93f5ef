import { ReleaseDiff, ReleaseDiffQuery } from "@flotilla/protocol/api/release-diff";
import { ReleaseParams } from "@flotilla/protocol/api/releases";
import type { App } from "../../http/app.ts";
import { problemResponses } from "../../http/openapi.ts";
import type { ReleasePorts } from "../admit.ts";
import { requireRelease } from "../rows.ts";
import { diffReleases } from "./diff.ts";

/** `GET …/releases/:release/diff?from=`. */
export function registerDiff(app: App, { context, scans, advisories, policies }: ReleasePorts): void {
  app.get(
    "/api/v1/projects/:project/apps/:app/releases/:release/diff",
    {
      config: { access: { permission: "release:read" } },
      schema: {
        tags: ["releases"],
        operationId: "diffReleases",
        summary: "What changes from one release to another of the same app",
        params: ReleaseParams,
        querystring: ReleaseDiffQuery,
        response: { 200: ReleaseDiff, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { project, app: name, release } = request.params;
      const from = await requireRelease(context, project, name, request.query.from);
      const to = await requireRelease(context, project, name, release);
      const policy = await policies.of(project);
      reply.serializer(JSON.stringify);
      return reply.send(await diffReleases({ scans, store: advisories(), policy }, from, to));
    },
  );
}
