import { CodedError } from "@flotilla/base/errors";
import type { FastifyReply, FastifyRequest } from "fastify";
import { requirePrincipal } from "./admission.ts";
import { deleteBlob } from "./deletion.ts";
import type { RegistryPorts, RegistryRoutes } from "./http-routes.ts";
import { parseRange } from "./range.ts";
import { sendPieces } from "./send-pieces.ts";

/** Pulling and deleting blobs (distribution-spec, "Pulling blobs"). */
export function blobRoutes({ context, content, releaseGuard, mirrors }: RegistryPorts): {
  readonly blob: RegistryRoutes<"blob">;
} {
  async function sizeOf(repository: string, digest: Parameters<typeof content.hasBlob>[1]): Promise<number> {
    const size = await content.hasBlob(repository, digest);
    if (size === undefined) throw new CodedError("blob-unknown", `the repository does not have ${digest}`);
    return size;
  }
  return {
    blob: {
      HEAD: {
        permission: "registry:pull",
        async handle({ repository, digest }, request, reply) {
          const size = await sizeOf(repository, digest);
          await mirrors.admitBlob(repository, digest, requirePrincipal(request.principal));
          return blobHeaders(reply, digest).header("content-length", String(size)).send();
        },
      },
      GET: {
        permission: "registry:pull",
        async handle({ repository, digest }, request, reply) {
          const size = await sizeOf(repository, digest);
          await mirrors.admitBlob(repository, digest, requirePrincipal(request.principal));
          const range = rangeOf(request, size, reply);
          const { start, end } = range ?? { start: 0, end: size };
          const pieces = await content.blobs.open(digest, { start, end });
          blobHeaders(reply, digest).header("content-length", String(end - start));
          if (range !== undefined) reply.status(206).header("content-range", `bytes ${start}-${end - 1}/${size}`);
          return sendPieces(reply, pieces, end - start);
        },
      },
      DELETE: {
        permission: "registry:delete",
        async handle({ repository, digest }, request, reply) {
          const actor = context.access.actorOf(requirePrincipal(request.principal));
          await deleteBlob({ ...context, releaseGuard }, repository, digest, actor);
          return reply.status(202).send();
        },
      },
    },
  };
}

function blobHeaders(reply: FastifyReply, digest: string): FastifyReply {
  return reply
    .type("application/octet-stream")
    .header("docker-content-digest", digest)
    .header("etag", `"${digest}"`)
    .header("cache-control", "private, max-age=31536000, immutable")
    .header("accept-ranges", "bytes");
}

function rangeOf(
  request: FastifyRequest,
  size: number,
  reply: FastifyReply,
): { readonly start: number; readonly end: number } | undefined {
  const range = parseRange(request.headers.range, size);
  if (range !== "unsatisfiable") return range;
  reply.header("content-range", `bytes */${size}`);
  throw new CodedError("range-not-satisfiable", `the blob has ${size} bytes`);
}
