import { CodedError, isCoded } from "@flotilla/base/errors";
import { isRepositoryName } from "@flotilla/oci/reference";
import type { FastifyReply, FastifyRequest } from "fastify";
import { admit } from "./admission.ts";
import { queryValue, type RegistryPorts, type RegistryRoutes } from "./http-routes.ts";
import { digestOf, projectOf } from "./path.ts";
import { parseContentRange } from "./range.ts";
import type { UploadBody } from "./uploads.ts";

type Routes = { readonly uploads: RegistryRoutes<"uploads">; readonly upload: RegistryRoutes<"upload"> };

/** Pushing blobs: in one, in chunks, by mounting (distribution-spec, "Pushing blobs"). */
export function uploadRoutes(ports: RegistryPorts): Routes {
  const { uploads } = ports;
  return {
    uploads: {
      POST: {
        permission: "registry:push",
        async handle({ repository }, request, reply) {
          if (await mounted(ports, repository, request))
            return created(reply, repository, digestOf(queryValue(request, "mount")));
          const whole = queryValue(request, "digest");
          const digest = whole === undefined ? undefined : digestOf(whole);
          const upload = await uploads.start(repository);
          if (digest === undefined) return progress(reply.status(202), repository, upload, 0);
          await uploads.append(repository, upload, bodyOf(request));
          await uploads.finish(repository, upload, digest);
          return created(reply, repository, digest);
        },
      },
    },
    upload: {
      GET: {
        permission: "registry:push",
        async handle({ repository, upload }, _request, reply) {
          return progress(reply.status(204), repository, upload, await uploads.sizeOf(repository, upload));
        },
      },
      PATCH: {
        permission: "registry:push",
        async handle({ repository, upload }, request, reply) {
          announce(reply, repository, upload, await uploads.sizeOf(repository, upload));
          const size = await uploads.append(repository, upload, bodyOf(request));
          return progress(reply.status(202), repository, upload, size);
        },
      },
      PUT: {
        permission: "registry:push",
        async handle({ repository, upload }, request, reply) {
          const digest = digestOf(queryValue(request, "digest"));
          await uploads.append(repository, upload, bodyOf(request));
          await uploads.finish(repository, upload, digest);
          return created(reply, repository, digest);
        },
      },
      DELETE: {
        permission: "registry:push",
        async handle({ repository, upload }, _request, reply) {
          await uploads.cancel(repository, upload);
          return reply.status(204).send();
        },
      },
    },
  };
}

/** Whether the blob was taken over from a repository of the same project. Other projects' blobs do not exist. */
async function mounted(
  { context, content, devicePulls }: RegistryPorts,
  repository: string,
  request: FastifyRequest,
): Promise<boolean> {
  const mount = queryValue(request, "mount");
  if (mount === undefined) return false;
  const digest = digestOf(mount);
  const from = queryValue(request, "from");
  const project = projectOf(repository);
  if (from !== undefined && (!isRepositoryName(from) || projectOf(from) !== project)) return false;
  await admit({ access: context.access, devicePulls }, request.principal, "registry:pull", from ?? repository);
  const found =
    from === undefined
      ? (await content.findInProject(project, digest))?.sizeBytes
      : await content.hasBlob(from, digest);
  if (found === undefined) return false;
  try {
    await content.linkBlob(repository, digest, found);
    return true;
  } catch (error) {
    // It was removed since it was found: the client uploads it.
    if (isCoded(error, "unavailable")) return false;
    throw error;
  }
}

function created(reply: FastifyReply, repository: string, digest: string): FastifyReply {
  return reply
    .status(201)
    .header("location", `/v2/${repository}/blobs/${digest}`)
    .header("docker-content-digest", digest)
    .send();
}

function progress(reply: FastifyReply, repository: string, upload: string, size: number): FastifyReply {
  return announce(reply, repository, upload, size).send();
}

/** Where an upload stands; also on refusals, so that clients can go on. */
function announce(reply: FastifyReply, repository: string, upload: string, size: number): FastifyReply {
  return reply
    .header("location", `/v2/${repository}/blobs/uploads/${upload}`)
    .header("range", `0-${Math.max(0, size - 1)}`)
    .header("docker-upload-uuid", upload);
}

function bodyOf(request: FastifyRequest): UploadBody {
  const header = request.headers["content-range"];
  const range = header === undefined ? undefined : parseContentRange(header);
  if (header !== undefined && range === undefined)
    throw new CodedError("upload-range", `not a range: ${header.slice(0, 100)}`);
  return {
    // A refusal must still reach the client, so leaving the loop does not end the connection.
    stream: request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    start: range?.start,
    sizeBytes: range === undefined ? undefined : range.end - range.start,
  };
}
