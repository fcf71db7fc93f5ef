import { CodedError } from "@flotilla/base/errors";
import { MAX_MANIFEST_BYTES } from "@flotilla/oci/manifest";
import type { FastifyReply, FastifyRequest } from "fastify";
import { requirePrincipal } from "./admission.ts";
import { deleteManifest } from "./deletion.ts";
import { queryValue, queryValues, type RegistryPorts, type RegistryRoutes } from "./http-routes.ts";
import { digestOf, type ManifestName, tagOf } from "./path.ts";
import { checkTags } from "./release-guard.ts";

/** Tags that one push may set. */
const MAX_TAGS = 10;

/** Pulling, pushing and deleting manifests (distribution-spec, "Pulling manifests", "Pushing manifests", "Deleting"). */
export function manifestRoutes({ context, content, releaseGuard, mirrors }: RegistryPorts): {
  readonly manifest: RegistryRoutes<"manifest">;
} {
  return {
    manifest: {
      HEAD: {
        permission: "registry:pull",
        async handle({ repository, name }, request, reply) {
          // Clients show the reasons of a refusal only from a GET, which follows.
          await mirrors.bring(repository, name, requirePrincipal(request.principal));
          const row = await content.findManifest(repository, name);
          if (row === undefined) throw unknown(name);
          manifestHeaders(reply, row.digest, row.media_type);
          return reply.header("content-length", String(row.size_bytes)).send();
        },
      },
      GET: {
        permission: "registry:pull",
        async handle({ repository, name }, request, reply) {
          const admitted = await mirrors.admit(repository, name, requirePrincipal(request.principal));
          const manifest = await content.getManifest(repository, admitted);
          if (manifest === undefined) throw unknown(name);
          return manifestHeaders(reply, manifest.digest, manifest.mediaType).send(Buffer.from(manifest.bytes));
        },
      },
      PUT: {
        permission: "registry:push",
        async handle({ repository, name }, request, reply) {
          const wanted = wantedOf(name, request);
          const stored = await content.putManifest({
            repository,
            bytes: await bodyOf(request),
            mediaType: request.headers["content-type"],
            ...wanted,
            allow: (trx, digest) => checkTags(releaseGuard, trx, repository, wanted.tags, digest),
            actor: context.access.actorOf(requirePrincipal(request.principal)),
          });
          const { subject } = stored.manifest;
          if (subject !== undefined) reply.header("oci-subject", subject.digest);
          if (name.kind === "digest" && wanted.tags.length > 0) reply.header("oci-tag", wanted.tags);
          return reply
            .status(201)
            .header("location", `/v2/${repository}/manifests/${stored.digest}`)
            .header("docker-content-digest", stored.digest)
            .send();
        },
      },
      DELETE: {
        permission: "registry:delete",
        async handle({ repository, name }, request, reply) {
          const actor = context.access.actorOf(requirePrincipal(request.principal));
          await deleteManifest({ ...context, releaseGuard }, repository, name, actor);
          return reply.status(202).send();
        },
      },
    },
  };
}

/** A push by tag may say the digest (`?digest=`), a push by digest may set tags (`?tag=`, several times). */
function wantedOf(
  name: ManifestName,
  request: FastifyRequest,
): { readonly tags: readonly string[]; readonly digest: ReturnType<typeof digestOf> | undefined } {
  if (name.kind === "tag") {
    const digest = queryValue(request, "digest");
    return { tags: [name.tag], digest: digest === undefined ? undefined : digestOf(digest) };
  }
  const tags = queryValues(request, "tag");
  if (tags.length > MAX_TAGS) throw new CodedError("tag-invalid", `one push sets at most ${MAX_TAGS} tags`);
  return { tags: tags.map(tagOf), digest: name.digest };
}

async function bodyOf(request: FastifyRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.raw.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > MAX_MANIFEST_BYTES)
      throw new CodedError("manifest-too-large", `a manifest is at most ${MAX_MANIFEST_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function manifestHeaders(reply: FastifyReply, digest: string, mediaType: string): FastifyReply {
  return reply.type(mediaType).header("docker-content-digest", digest).header("etag", `"${digest}"`);
}

function unknown(name: ManifestName): CodedError {
  const text = name.kind === "tag" ? name.tag : name.digest;
  return new CodedError("manifest-unknown", `the repository does not have ${text}`);
}
