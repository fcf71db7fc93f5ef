import { type Digest, parseDigest } from "@flotilla/base/digest";
import { CodedError } from "@flotilla/base/errors";

/** An image reference, `[registry/]repository[:tag][@digest]`. Without `registry` it means the Flotilla server's own registry. */
export interface Reference {
  /** Host and port. There is no built-in default. */
  readonly registry?: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const MAX_REFERENCE_LENGTH = 600;
const MAX_REPOSITORY_LENGTH = 255;
/** Distribution spec, "Pulling manifests": names and tags. */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;

/** Whether `text` is a repository name that registries accept. */
export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_REPOSITORY_LENGTH && REPOSITORY.test(text);
}

/** Whether `text` is a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** The reference in `text`; throws `CodedError("reference-invalid")`. */
export function parseReference(text: string): Reference {
  if (text.length > MAX_REFERENCE_LENGTH) throw invalid(text, "it is too long");
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1));
  if (at >= 0 && digest === undefined) throw invalid(text, "what follows @ is not a digest");
  const named = splitTag(at < 0 ? text : text.slice(0, at));
  const { registry, repository } = splitHost(named.rest);
  if (!isRepositoryName(repository)) throw invalid(text, "the repository's name is not valid");
  if (named.tag !== undefined && !isTag(named.tag)) throw invalid(text, "the tag is not valid");
  return {
    ...(registry === undefined ? {} : { registry }),
    repository,
    ...(named.tag === undefined ? {} : { tag: named.tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The text of a reference. */
export function formatReference(reference: Reference): string {
  const host = reference.registry === undefined ? "" : `${reference.registry}/`;
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${host}${reference.repository}${tag}${digest}`;
}

/** What to ask a registry for: the digest when there is one, else the tag, else `latest`. */
export function manifestNameOf(reference: Reference): string {
  return reference.digest ?? reference.tag ?? "latest";
}

function splitTag(text: string): { readonly rest: string; readonly tag?: string } {
  const colon = text.lastIndexOf(":");
  if (colon < 0 || text.indexOf("/", colon) >= 0) return { rest: text };
  return { rest: text.slice(0, colon), tag: text.slice(colon + 1) };
}

/** The first part is a host when it has a dot or a port or is `localhost`, as Docker reads it. */
function splitHost(text: string): { readonly registry?: string; readonly repository: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  if (first === "" || !(first.includes(".") || first.includes(":") || first === "localhost"))
    return { repository: text };
  if (!HOST.test(first)) throw invalid(text, "the registry's host is not valid");
  return { registry: first, repository: text.slice(slash + 1) };
}

function invalid(text: string, why: string): CodedError {
  return new CodedError("reference-invalid", `not an image reference: ${text.slice(0, 200)}: ${why}`);
}
