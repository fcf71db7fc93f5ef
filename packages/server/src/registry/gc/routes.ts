import { CollectRequest, CollectResult, DEFAULT_GRACE_SECONDS } from "@flotilla/protocol/api/registry-upkeep";
import { ProjectPath } from "@flotilla/protocol/api/users";
import type { Context } from "../../context.ts";
import type { App } from "../../http/app.ts";
import { problemResponses } from "../../http/openapi.ts";
import { requirePrincipal } from "../admission.ts";
import type { Collector } from "./collector.ts";

/** A collection may walk the whole store. */
const RATE_LIMIT = { max: 10, timeWindow: 60_000 };

/** Collection at a person's wish; the server also does it by itself. */
export function registerCollection(app: App, { access }: Context, collector: Collector): void {
  app.post(
    "/api/v1/projects/:project/registry/gc",
    {
      config: { access: { permission: "registry:delete" }, rateLimit: RATE_LIMIT },
      schema: {
        tags: ["registry"],
        operationId: "collectRegistry",
        summary: "Collect the content that nothing names",
        params: ProjectPath,
        body: CollectRequest,
        response: { 200: CollectResult, ...problemResponses(400, 401, 403, 404, 429) },
      },
    },
    async (request) => {
      const { blobs, bytes, condemned } = await collector.collect({
        project: request.params.project,
        actor: access.actorOf(requirePrincipal(request.principal)),
        graceMs: (request.body.graceSeconds ?? DEFAULT_GRACE_SECONDS) * 1000,
      });
      return { removedBlobs: blobs, freedBytes: bytes, condemnedBlobs: condemned };
    },
  );
}
