import { PreviewRequest, RetentionPolicy, RetentionResult } from "@flotilla/protocol/api/registry-upkeep";
import { ProjectPath } from "@flotilla/protocol/api/users";
import type { FastifyRequest } from "fastify";
import type { Actor } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { App } from "../../http/app.ts";
import { problemResponses } from "../../http/openapi.ts";
import { requirePrincipal } from "../admission.ts";
import type { Retention } from "./retention.ts";

const tags = ["registry"];
/** A run walks every repository of the project. */
const RATE_LIMIT = { max: 20, timeWindow: 60_000 };

/** Policies by which repositories let go of old images. */
export function registerRetention(app: App, { access }: Context, retention: Retention): void {
  const actorOf = (request: FastifyRequest): Actor => access.actorOf(requirePrincipal(request.principal));
  registerPolicy(app, retention, actorOf);
  app.post(
    "/api/v1/projects/:project/registry/retention/preview",
    {
      config: { access: { permission: "project:read" }, rateLimit: RATE_LIMIT },
      schema: {
        tags,
        operationId: "previewRetention",
        summary: "What the policy in force, or one to try, would remove now",
        params: ProjectPath,
        body: PreviewRequest,
        response: { 200: RetentionResult, ...problemResponses(400, 401, 403, 404, 429) },
      },
    },
    async ({ params: { project }, body }) =>
      retention.preview(project, body.policy ?? (await retention.policyOf(project))),
  );
  app.post(
    "/api/v1/projects/:project/registry/retention/run",
    {
      config: { access: { permission: "registry:delete" }, rateLimit: RATE_LIMIT },
      schema: {
        tags,
        operationId: "runRetention",
        summary: "Remove what the policy does not keep; the bytes go when they are collected",
        params: ProjectPath,
        response: { 200: RetentionResult, ...problemResponses(401, 403, 404, 429) },
      },
    },
    (request) => retention.run(request.params.project, actorOf(request)),
  );
}

function registerPolicy(app: App, retention: Retention, actorOf: (request: FastifyRequest) => Actor): void {
  app.get(
    "/api/v1/projects/:project/registry/retention",
    {
      config: { access: { permission: "project:read" } },
      schema: {
        tags,
        operationId: "getRetention",
        summary: "What repositories keep; without rules, everything",
        params: ProjectPath,
        response: { 200: RetentionPolicy, ...problemResponses(401, 403, 404) },
      },
    },
    (request) => retention.policyOf(request.params.project),
  );
  app.put(
    "/api/v1/projects/:project/registry/retention",
    {
      config: { access: { permission: "policy:manage" } },
      schema: {
        tags,
        operationId: "setRetention",
        summary: "Set what repositories keep",
        params: ProjectPath,
        body: RetentionPolicy,
        response: { 200: RetentionPolicy, ...problemResponses(400, 401, 403, 404) },
      },
    },
    async (request) => {
      await retention.setPolicy(request.params.project, request.body, actorOf(request));
      return retention.policyOf(request.params.project);
    },
  );
}
