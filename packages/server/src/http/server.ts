import { randomUUID } from "node:crypto";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import { CodedError } from "@flotilla/base/errors";
import fastify from "fastify";
import type { Context } from "../context.ts";
import { guardRoutes } from "./access-hook.ts";
import type { App } from "./app.ts";
import { addEntityTags } from "./etag.ts";
import { createListener } from "./listener.ts";
import { openApiOptions, requireDescription } from "./openapi.ts";
import { createErrorHandler, sendProblem } from "./problems.ts";

/** Largest JSON body; routes that take streams bring their own parser and bound. */
const MAX_BODY_BYTES = 1024 * 1024;
/** A request that is slower than this to arrive ends: an image layer over a thin line takes long. */
const REQUEST_TIMEOUT_MS = 6 * 3_600_000;
/** Longest path parameter: registry names go to 255 characters. */
const MAX_PARAMETER_LENGTH = 512;

/** The HTTP server with everything that all routes share; features register their routes on it. */
export async function createApp(context: Context): Promise<App> {
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    trustProxy: context.config.trustedProxies.length === 0 ? false : [...context.config.trustedProxies],
    genReqId: () => randomUUID(),
    forceCloseConnections: "idle",
    serverFactory: (handler) => createListener(handler, context.tls),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  app.setErrorHandler(createErrorHandler(context.log));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    sendProblem(reply, new CodedError("not-found", `there is no ${request.method} ${path.slice(0, 200)}`));
  });
  secureAnswers(app, context);
  await limitRates(app, context);
  await app.register(swagger, openApiOptions(context));
  app.addHook("onRoute", requireDescription);
  guardRoutes(app, context.access);
  addEntityTags(app);
  observe(app, context);
  return app;
}

/** One bound for every address before anything is looked up; routes add tighter ones with `config.rateLimit`. */
async function limitRates(app: App, context: Context): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, { ttl, max }) =>
      new CodedError("too-many-requests", `more than ${max} requests; try again in ${Math.ceil(ttl / 1000)} s`, {
        details: { retryAfterSeconds: Math.ceil(ttl / 1000) },
      }),
  });
  app.addHook("onRequest", app.rateLimit({ max: context.config.requestsPerMinute, timeWindow: 60_000 }));
}

function secureAnswers(app: App, context: Context): void {
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("x-content-type-options", "nosniff");
    reply.header("referrer-policy", "no-referrer");
    if (context.tls !== undefined) reply.header("strict-transport-security", "max-age=31536000");
  });
}

function observe(app: App, { log, metrics }: Context): void {
  app.addHook("onResponse", async (request, reply) => {
    const { method } = request;
    const route = request.routeOptions.url ?? "unknown";
    const status = reply.statusCode;
    metrics.observeRequest({ method, route, status }, reply.elapsedTime / 1000);
    log.debug({ request: request.id, method, route, status, ms: Math.round(reply.elapsedTime) }, "request answered");
  });
}
