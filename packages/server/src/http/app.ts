import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { Permission } from "../users/access.ts";

/** The HTTP server as features see it: route schemas are TypeBox, and OpenAPI is generated from them. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/**
 * `config.access` of every route: `public`, or the permission it needs in the project named by the `:project` parameter (or on the whole
 * server with `scope: "server"`). The shared hook enforces it; a route without one does not start.
 */
export type RouteAccess =
  | "public"
  | "device"
  | "signed-in"
  | { readonly permission: Permission; readonly scope?: "project" | "server" };

declare module "fastify" {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    /** Set by the access hook before the handler of a route that is not public. */
    principal: import("../users/access.ts").Principal | undefined;
  }
}
