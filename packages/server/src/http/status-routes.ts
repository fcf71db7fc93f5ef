import { CodedError } from "@flotilla/base/errors";
import { Health, Readiness as ReadinessAnswer } from "@flotilla/protocol/api/core";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "./app.ts";

const OpenApiDocument = Type.Record(Type.String(), Type.Unknown());

/** `/healthz`, `/readyz`, `/metrics` and the API's own description. */
export function registerStatus(app: App, { readiness, metrics }: Context): void {
  const common = { tags: ["status"], security: [] };
  app.get(
    "/healthz",
    {
      config: { access: "public" },
      schema: { ...common, operationId: "getHealth", summary: "The process answers", response: { 200: Health } },
    },
    async () => ({ status: "ok" as const }),
  );
  app.get(
    "/readyz",
    {
      config: { access: "public" },
      schema: {
        ...common,
        operationId: "getReadiness",
        summary: "Every part works",
        response: { 200: ReadinessAnswer },
      },
    },
    async () => {
      const checks = await readiness.check();
      const failed = Object.keys(checks).filter((name) => checks[name] !== true);
      if (failed.length > 0)
        throw new CodedError("not-ready", `these parts do not work yet: ${failed.join(", ")}`, { details: { checks } });
      return { status: "ready" as const, checks };
    },
  );
  app.get(
    "/metrics",
    {
      config: { access: "public" },
      schema: {
        ...common,
        operationId: "getMetrics",
        summary: "Figures in the Prometheus text format",
        response: { 200: Type.String() },
      },
    },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.get(
    "/api/openapi.json",
    {
      config: { access: "public", etag: true },
      schema: {
        ...common,
        operationId: "getOpenApi",
        summary: "This API as OpenAPI 3.1",
        response: { 200: OpenApiDocument },
      },
    },
    async (_request, reply) => reply.serializer(JSON.stringify).send({ ...app.swagger() }),
  );
}
