import { CodedError, isCoded } from "@flotilla/base/errors";
import type { FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import type { Access, Principal } from "../users/access.ts";
import type { App, RouteAccess } from "./app.ts";

/** Makes every route say who may call it, and holds it to that before its body is read. */
export function guardRoutes(app: App, access: Access): void {
  app.decorateRequest("principal", undefined);
  app.addHook("onRoute", requireAccessRule);
  app.addHook("onRequest", async (request, reply) => {
    const rule = request.routeOptions.config.access;
    // Only the answer "not found" of Fastify itself has no rule: requireAccessRule saw every route.
    if (rule === undefined || rule === "public") return;
    try {
      request.principal = await admit(access, rule, request);
    } catch (error) {
      if (isCoded(error, "unauthenticated")) announceScheme(request, reply);
      throw error;
    }
  });
}

function requireAccessRule(route: RouteOptions): void {
  if (route.config?.access === undefined)
    throw new Error(`route ${String(route.method)} ${route.url} does not say who may call it: set config.access`);
}

async function admit(
  access: Access,
  rule: Exclude<RouteAccess, "public">,
  request: FastifyRequest,
): Promise<Principal> {
  const principal = await access.authenticate(request);
  if (principal === undefined) throw new CodedError("unauthenticated", "sign in, or send an API token");
  if (rule === "signed-in") return principal;
  if (rule === "device") {
    if (principal.kind !== "device") throw new CodedError("forbidden", "only devices may ask this");
    return principal;
  }
  return access.require(principal, rule.permission, rule.scope === "server" ? null : projectOf(request));
}

function projectOf(request: FastifyRequest): string {
  const { project } = request.params as { readonly project?: string };
  if (project === undefined) throw new Error(`route ${request.routeOptions.url} has no :project for its access rule`);
  return project;
}

/** RFC 9110 §11.6.1; registry clients read Basic from it, and a browser must not open its own dialogue for the API. */
function announceScheme(request: FastifyRequest, reply: FastifyReply): void {
  const scheme = request.url.startsWith("/v2") ? "Basic" : "Bearer";
  reply.header("www-authenticate", `${scheme} realm="flotilla"`);
}
