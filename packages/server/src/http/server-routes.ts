import { CodedError } from "@flotilla/base/errors";
import { ServerInfo } from "@flotilla/protocol/api/core";
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "@flotilla/protocol/version";
import { Type } from "typebox";
import type { Context } from "../context.ts";
import type { App } from "./app.ts";
import { problemResponses } from "./openapi.ts";

const tags = ["server"];

/** What anybody may know of the server, and its certificate authority. */
export function registerServerInfo(app: App, { config, tls }: Context): void {
  app.get(
    "/api/v1/server",
    {
      config: { access: "public", etag: true },
      schema: {
        tags,
        operationId: "getServer",
        summary: "Version, address and certificate authority of the server",
        security: [],
        response: { 200: ServerInfo },
      },
    },
    async () => ({
      version: config.version,
      publicUrl: config.publicUrl,
      protocol: { oldest: OLDEST_PROTOCOL_VERSION, newest: PROTOCOL_VERSION },
      ...(tls?.caFingerprint === undefined ? {} : { caFingerprint: tls.caFingerprint }),
    }),
  );
  app.get(
    "/api/v1/server/ca.pem",
    {
      config: { access: "public" },
      schema: {
        tags,
        operationId: "getServerAuthority",
        summary: "The server's own certificate authority; compare its fingerprint before you trust it",
        security: [],
        response: { 200: Type.String(), ...problemResponses(404) },
      },
    },
    async (_request, reply) => {
      if (tls?.caPem === undefined)
        throw new CodedError("not-found", "this server has no certificate authority of its own");
      return reply.type("application/x-pem-file").send(tls.caPem);
    },
  );
}
