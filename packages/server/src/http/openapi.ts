import type { FastifyDynamicSwaggerOptions, SwaggerTransform } from "@fastify/swagger";
import { PROBLEM_MEDIA_TYPE, Problem } from "@flotilla/protocol/api/problem";
import type { RouteOptions } from "fastify";
import type { Context } from "../context.ts";

/** The document of `/api/openapi.json`, made of the schemas that validate. */
export function openApiOptions(context: Context): FastifyDynamicSwaggerOptions {
  return {
    transform: describeRefusals,
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Flotilla",
        version: context.config.version,
        description:
          "Ships Docker applications to fleets of small devices, with a software supply-chain guard on board.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer", description: "An API token, or a device's registry token" },
          session: { type: "apiKey", in: "cookie", name: "flotilla_session" },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
  };
}

const PROBLEM_ANSWER = {
  description: "A refusal (RFC 9457)",
  content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } },
};

/** Every route may refuse, so every route says how, and `x-access` says whom it lets through. */
const describeRefusals: SwaggerTransform = ({ schema, url, route }) => {
  if (schema?.hide === true) return { schema, url };
  const access = route.config?.access;
  const answers = { ...(schema?.response as object), default: Problem };
  const response = Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [status, answer === Problem ? PROBLEM_ANSWER : answer]),
  );
  return { schema: { ...schema, response, "x-access": typeof access === "object" ? access.permission : access }, url };
};

/** Hook of each new route: what is not described does not start, so that the document is whole. */
export function requireDescription({ schema, method, url }: RouteOptions): void {
  if (schema?.hide === true) return;
  const { operationId, summary, tags, response } = schema ?? {};
  if (operationId === undefined || summary === undefined || tags === undefined || response === undefined)
    throw new Error(`route ${String(method)} ${url} lacks operationId, summary, tags or response in its schema`);
}

/** Response schemas of the refusals that a route may answer with. */
export function problemResponses<const S extends number>(
  ...statuses: readonly S[]
): { readonly [K in S]: typeof Problem } {
  return Object.fromEntries(statuses.map((status) => [status, Problem])) as { readonly [K in S]: typeof Problem };
}
