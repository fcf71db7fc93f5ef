import { CodedError } from "@flotilla/base/errors";
import { MEDIA_TYPES } from "@flotilla/oci/media-types";
import type { FastifyRequest } from "fastify";
import { queryValue, type RegistryPorts, type RegistryRoutes } from "./http-routes.ts";
import { referrersAfter, repositoryExists, tagsAfter } from "./listing.ts";
import type { ManifestRow } from "./tables.ts";

const TAGS_PER_PAGE = 1000;
const REFERRERS_PER_PAGE = 500;

type Routes = { readonly tags: RegistryRoutes<"tags">; readonly referrers: RegistryRoutes<"referrers"> };

/** Tags and referrers (distribution-spec, "Content Discovery"). */
export function listRoutes({ context }: RegistryPorts): Routes {
  return {
    tags: {
      GET: {
        permission: "registry:pull",
        async handle({ repository }, request, reply) {
          if (!(await repositoryExists(context, repository)))
            throw new CodedError("name-unknown", `there is no repository ${repository}`);
          const limit = limitOf(request);
          const found =
            limit === 0 ? [] : await tagsAfter(context, repository, queryValue(request, "last") ?? "", limit + 1);
          const tags = found.slice(0, limit);
          const last = tags.at(-1);
          if (found.length > limit && last !== undefined)
            reply.header("link", nextLink(`/v2/${repository}/tags/list`, { n: String(limit), last }));
          return reply.type("application/json").send(Buffer.from(JSON.stringify({ name: repository, tags })));
        },
      },
    },
    referrers: {
      GET: {
        permission: "registry:pull",
        async handle({ repository, digest }, request, reply) {
          const artifactType = queryValue(request, "artifactType");
          const rows = await referrersAfter(context, {
            repository,
            subject: digest,
            artifactType,
            last: queryValue(request, "last") ?? "",
            limit: REFERRERS_PER_PAGE + 1,
          });
          const shown = rows.slice(0, REFERRERS_PER_PAGE);
          const last = shown.at(-1)?.digest;
          const filter: Record<string, string> = artifactType === undefined ? {} : { artifactType };
          if (rows.length > shown.length && last !== undefined)
            reply.header("link", nextLink(`/v2/${repository}/referrers/${digest}`, { ...filter, last }));
          if (artifactType !== undefined) reply.header("oci-filters-applied", "artifactType");
          const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: shown.map(toDescriptor) };
          return reply.type(MEDIA_TYPES.ociIndex).send(Buffer.from(JSON.stringify(index)));
        },
      },
    },
  };
}

function limitOf(request: FastifyRequest): number {
  const text = queryValue(request, "n");
  if (text === undefined) return TAGS_PER_PAGE;
  if (!/^\d{1,9}$/.test(text)) throw new CodedError("size-invalid", "n is not a number");
  return Math.min(Number(text), TAGS_PER_PAGE);
}

function nextLink(path: string, query: Readonly<Record<string, string>>): string {
  return `<${path}?${new URLSearchParams(query)}>; rel="next"`;
}

function toDescriptor(row: ManifestRow): Readonly<Record<string, unknown>> {
  return {
    mediaType: row.media_type,
    digest: row.digest,
    size: row.size_bytes,
    ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) as unknown }),
  };
}
