import { algorithmOf, type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { createDigester } from "../hash.ts";
import { type Descriptor, MAX_MANIFEST_BYTES, type Manifest, parseManifest } from "../manifest.ts";
import { ACCEPT_MANIFESTS, MEDIA_TYPES } from "../media-types.ts";
import { mismatch, pullScope, pushScope } from "./blobs.ts";
import { readBounded, type Session } from "./session.ts";

/** A manifest as it stands in the registry. */
export interface FetchedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** The bytes that the digest is of; push these and no others. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

/** A tag page or a referrers list is at most this large. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;
const MAX_PAGES = 10_000;

/** The manifest that a tag or digest names, verified; throws `CodedError("registry-not-found")` when there is none. */
export async function getManifest(
  session: Session,
  repository: string,
  name: string,
  signal?: AbortSignal,
): Promise<FetchedManifest> {
  const response = await session.request({
    method: "GET",
    target: `/v2/${repository}/manifests/${name}`,
    headers: { accept: ACCEPT_MANIFESTS },
    scope: pullScope(repository),
    expect: [200],
    signal,
  });
  const bytes = await readBounded(response.body, MAX_MANIFEST_BYTES, "the manifest");
  const wanted = parseDigest(name) ?? parseDigest(response.header("docker-content-digest") ?? "");
  const digest = digestLike(bytes, wanted);
  if (wanted !== undefined && wanted !== digest) throw mismatch(wanted, "other bytes");
  const manifest = parseManifest(bytes, response.header("content-type"));
  return { digest, mediaType: manifest.mediaType, bytes, manifest };
}

/** Digest and type of the manifest that a tag or digest names, or undefined. */
export async function headManifest(
  session: Session,
  repository: string,
  name: string,
  signal?: AbortSignal,
): Promise<{ readonly digest: Digest | undefined; readonly mediaType: string } | undefined> {
  const response = await session.request({
    method: "HEAD",
    target: `/v2/${repository}/manifests/${name}`,
    headers: { accept: ACCEPT_MANIFESTS },
    scope: pullScope(repository),
    expect: [200, 404],
    signal,
  });
  response.discard();
  if (response.status === 404) return undefined;
  const digest = parseDigest(response.header("docker-content-digest") ?? "");
  return { digest, mediaType: response.header("content-type") ?? "" };
}

/** Pushes a manifest under a tag or its digest; returns its digest. */
export async function putManifest(
  session: Session,
  repository: string,
  name: string,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  signal?: AbortSignal,
): Promise<Digest> {
  const digest = digestLike(manifest.bytes, parseDigest(name));
  const response = await session.request({
    method: "PUT",
    target: `/v2/${repository}/manifests/${name}`,
    headers: { "content-type": manifest.mediaType },
    body: manifest.bytes,
    scope: pushScope(repository),
    expect: [201],
    signal,
  });
  const stored = parseDigest(response.header("docker-content-digest") ?? "");
  response.discard();
  if (stored !== undefined && algorithmOf(stored) === algorithmOf(digest) && stored !== digest)
    throw mismatch(digest, `a manifest ${stored}`);
  return digest;
}

/** Every tag of the repository, page by page. */
export async function* listTags(
  session: Session,
  repository: string,
  pageSize: number,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  let target: string | URL | undefined = `/v2/${repository}/tags/list?n=${pageSize}`;
  for (let page = 0; target !== undefined; page++) {
    if (page >= MAX_PAGES) throw new CodedError("registry-failed", `${session.baseUrl.host} lists tags without end`);
    const response = await session.request({
      method: "GET",
      target,
      scope: pullScope(repository),
      expect: [200],
      signal,
    });
    const next = nextLink(response.header("link"));
    const document = JSON.parse((await readBounded(response.body, MAX_LIST_BYTES, "the list of tags")).toString());
    const { tags } = (document ?? {}) as { tags?: unknown };
    if (Array.isArray(tags)) for (const tag of tags) if (typeof tag === "string") yield tag;
    target = next === undefined ? undefined : new URL(next, new URL(target, session.baseUrl));
  }
}

/** Descriptors of the manifests whose subject is `digest` (distribution-spec, "Listing Referrers"; without the tag fallback). */
export async function listReferrers(
  session: Session,
  repository: string,
  digest: Digest,
  artifactType?: string,
  signal?: AbortSignal,
): Promise<readonly Descriptor[]> {
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  const response = await session.request({
    method: "GET",
    target: `/v2/${repository}/referrers/${digest}${query}`,
    scope: pullScope(repository),
    expect: [200, 404],
    signal,
  });
  if (response.status === 404) {
    response.discard();
    return [];
  }
  const bytes = await readBounded(response.body, MAX_LIST_BYTES, "the list of referrers");
  const index = parseManifest(bytes, MEDIA_TYPES.ociIndex);
  const all = index.kind === "index" ? index.manifests : [];
  return artifactType === undefined ? all : all.filter((descriptor) => descriptor.artifactType === artifactType);
}

/** Deletes a tag or a manifest; false when it was not there. */
export async function deleteManifest(
  session: Session,
  repository: string,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const response = await session.request({
    method: "DELETE",
    target: `/v2/${repository}/manifests/${name}`,
    scope: `repository:${repository}:delete`,
    expect: [202, 404],
    signal,
  });
  response.discard();
  return response.status === 202;
}

function digestLike(bytes: Uint8Array, like: Digest | undefined): Digest {
  const digester = createDigester(like === undefined ? "sha256" : algorithmOf(like));
  digester.update(bytes);
  return digester.digest();
}

/** `rel="next"` of a Link header (RFC 8288). */
function nextLink(header: string | undefined): string | undefined {
  return /<([^>]{1,4000})>\s*;\s*rel="?next"?/.exec(header ?? "")?.[1];
}
