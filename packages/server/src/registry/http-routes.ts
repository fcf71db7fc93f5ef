import { CodedError } from "@flotilla/base/errors";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import type { App } from "../http/app.ts";
import type { Permission } from "../users/access.ts";
import { admit, type DevicePulls } from "./admission.ts";
import { blobRoutes } from "./blob-routes.ts";
import type { Content } from "./content.ts";
import { createRegistryErrorHandler } from "./errors.ts";
import { listRoutes } from "./list-routes.ts";
import { manifestRoutes } from "./manifest-routes.ts";
import { isMirrorRepository } from "./mirror/address.ts";
import type { Mirrors } from "./mirror/mirrors.ts";
import { parseRegistryPath, type RegistryPath } from "./path.ts";
import type { ReleaseGuard } from "./release-guard.ts";
import { uploadRoutes } from "./upload-routes.ts";
import type { Uploads } from "./uploads.ts";

export interface RegistryPorts {
  readonly context: Context;
  readonly content: Content;
  readonly uploads: Uploads;
  readonly devicePulls: DevicePulls;
  readonly releaseGuard: ReleaseGuard;
  readonly mirrors: Mirrors;
}

/** One thing that `/v2/` can do: for whom, and how. */
export interface RegistryRoute<K extends RegistryPath["kind"]> {
  readonly permission: Permission;
  handle(path: Extract<RegistryPath, { kind: K }>, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Routes of one kind of path, by method. */
export type RegistryRoutes<K extends RegistryPath["kind"]> = Readonly<Partial<Record<Method, RegistryRoute<K>>>>;

type AllRoutes = { readonly [K in RegistryPath["kind"]]: RegistryRoutes<K> };

/** The OCI distribution API (distribution-spec 1.1) at `/v2/`, with its own error bodies and raw request bodies. */
export function registerDistribution(app: App, ports: RegistryPorts): void {
  const routes: AllRoutes = {
    ...blobRoutes(ports),
    ...uploadRoutes(ports),
    ...manifestRoutes(ports),
    ...listRoutes(ports),
  };
  app.register(async (scope) => {
    scope.setErrorHandler(createRegistryErrorHandler(ports.context.log));
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, body, done) => done(null, body));
    scope.addHook("onRequest", async (_request, reply) => {
      reply.header("docker-distribution-api-version", "registry/2.0");
    });
    for (const url of ["/v2", "/v2/"])
      scope.route({
        method: ["GET", "HEAD"],
        url,
        exposeHeadRoute: false,
        config: { access: "signed-in" },
        schema: { hide: true },
        handler: async (_request, reply) => reply.type("application/json").send("{}"),
      });
    scope.route({
      method: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
      url: "/v2/*",
      exposeHeadRoute: false,
      config: { access: "signed-in" },
      schema: { hide: true },
      handler: (request, reply) => dispatch(ports, routes, request, reply),
    });
  });
}

async function dispatch(
  ports: RegistryPorts,
  routes: AllRoutes,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const path = parseRegistryPath((request.params as { readonly "*": string })["*"]);
  const route = routes[path.kind][request.method as Method] as RegistryRoute<RegistryPath["kind"]> | undefined;
  if (route === undefined) throw new CodedError("unsupported", `${request.method} is not for this path`);
  await admit(
    { access: ports.context.access, devicePulls: ports.devicePulls },
    request.principal,
    route.permission,
    path.repository,
  );
  if (route.permission === "registry:push" && isMirrorRepository(path.repository))
    throw new CodedError("forbidden", "nobody pushes into mirror/: its content comes from the mirrored registry");
  return route.handle(path, request, reply);
}

/** The values of a query parameter, which may stand several times. */
export function queryValues(request: FastifyRequest, name: string): readonly string[] {
  const value = (request.query as Readonly<Record<string, string | readonly string[] | undefined>>)[name];
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

/** The first value of a query parameter. */
export function queryValue(request: FastifyRequest, name: string): string | undefined {
  return queryValues(request, name)[0];
}
