import { CodedError } from "@flotilla/base/errors";
import type { FastifyRequest } from "fastify";
import type { Actor } from "../audit/events.ts";
import type { Context } from "../context.ts";

/** Who asks, for events. */
export function actorOf({ access }: Context, request: FastifyRequest): Actor {
  if (request.principal === undefined) throw new CodedError("unauthenticated", "sign in, or send an API token");
  return access.actorOf(request.principal);
}
