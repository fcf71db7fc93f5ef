import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { Problem } from "@flotilla/protocol/api/problem";
import type { Context } from "../context.ts";

/** The document of `/api/openapi.json`, made of the schemas that validate. */
export function openApiOptions(context: Context): FastifyDynamicSwaggerOptions {
  return {
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

/** Response schemas of the refusals that a route may answer with. */
export function problemResponses<const S extends number>(
  ...statuses: readonly S[]
): { readonly [K in S]: typeof Problem } {
  return Object.fromEntries(statuses.map((status) => [status, Problem])) as { readonly [K in S]: typeof Problem };
}
