import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";
import { isRepositoryName, isTag } from "@flotilla/oci/reference";

/** What a path below `/v2/` asks for. `repository` is `<project>/<name…>`. */
export type RegistryPath =
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly upload: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly name: ManifestName }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: Digest };

export type ManifestName =
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "digest"; readonly digest: Digest };

const UPLOAD_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The meaning of `path` (what follows `/v2/`); throws `name-invalid`, `digest-invalid`, `tag-invalid`, `upload-unknown` or `not-found`. */
export function parseRegistryPath(path: string): RegistryPath {
  const match = /^(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/.exec(path);
  if (match === null) throw new CodedError("not-found", "the registry has no such path");
  const [, repository = "", part, last = ""] = match;
  checkRepository(repository);
  switch (part) {
    case "blobs/uploads":
      return last === "" ? { kind: "uploads", repository } : { kind: "upload", repository, upload: uploadOf(last) };
    case "blobs":
      // `POST …/blobs/uploads`, without the slash at the end.
      return last === "uploads"
        ? { kind: "uploads", repository }
        : { kind: "blob", repository, digest: digestOf(last) };
    case "manifests":
      return { kind: "manifest", repository, name: parseManifestName(last) };
    case "referrers":
      return { kind: "referrers", repository, digest: digestOf(last) };
    default:
      if (last !== "list") throw new CodedError("not-found", "the registry has no such path");
      return { kind: "tags", repository };
  }
}

/** A tag or a digest. */
export function parseManifestName(text: string): ManifestName {
  if (text.includes(":")) return { kind: "digest", digest: digestOf(text) };
  return { kind: "tag", tag: tagOf(text) };
}

/** The tag in `text`; throws `tag-invalid`. */
export function tagOf(text: string): string {
  if (!isTag(text)) throw new CodedError("tag-invalid", `not a tag: ${text.slice(0, 150)}`);
  return text;
}

/** The digest in `text`; throws `digest-invalid`. */
export function digestOf(text: string | undefined): Digest {
  const digest = parseDigest(text ?? "");
  if (digest === undefined) throw new CodedError("digest-invalid", `not a digest: ${(text ?? "").slice(0, 150)}`);
  return digest;
}

/** The project that a repository belongs to: its first part. */
export function projectOf(repository: string): string {
  return repository.slice(0, repository.indexOf("/"));
}

function checkRepository(repository: string): void {
  if (!isRepositoryName(repository))
    throw new CodedError("name-invalid", `not a repository name: ${repository.slice(0, 255)}`);
  if (!repository.includes("/"))
    throw new CodedError("name-invalid", `a repository is named <project>/<name>; ${repository} has no project`);
}

function uploadOf(text: string): string {
  if (!UPLOAD_ID.test(text)) throw new CodedError("upload-unknown", "there is no such upload");
  return text;
}
