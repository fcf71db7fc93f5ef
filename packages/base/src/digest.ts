/** A content digest as OCI writes it: `sha256:<64 hex>` or `sha512:<128 hex>`. Made only by {@link parseDigest}. */
export type Digest = string & { readonly __brand: "Digest" };

const PATTERN = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** The digest in `text`, or undefined when it is not one of a registered algorithm (OCI image-spec, descriptor, "Digests"). */
export function parseDigest(text: string): Digest | undefined {
  return PATTERN.test(text) ? (text as Digest) : undefined;
}

/** As {@link parseDigest}, for text that must be a digest; throws a TypeError that names it otherwise. */
export function asDigest(text: string): Digest {
  const digest = parseDigest(text);
  if (digest === undefined) throw new TypeError(`not a digest: ${text.slice(0, 150)}`);
  return digest;
}

/** The hexadecimal part of a digest. */
export function encodedPart(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The algorithm part of a digest. */
export function algorithmOf(digest: Digest): "sha256" | "sha512" {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** `sha256:1a2b3c4d5e6f` for people. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(":");
  return digest.slice(0, colon + 13);
}
