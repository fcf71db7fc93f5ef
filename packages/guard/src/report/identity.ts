import { canonicalJson } from "@flotilla/base/canonical-json";
import { encodedPart } from "@flotilla/base/digest";
import { sha256 } from "@flotilla/oci/hash";
import type { Finding } from "../model.ts";

/** The name of a package without its version and qualifiers: `pkg:npm/lodash`. */
export function packageIdentity(purl: string): string {
  const body = purl.replace(/[?#].*$/, "");
  const at = body.lastIndexOf("@");
  return at > body.lastIndexOf("/") ? body.slice(0, at) : body;
}

/**
 * What stays of a finding when lines move and versions change (64 hexadecimal digits): kind, id, package and file; for a secret its
 * rule and hash. Readers of reports recognise a finding by it from one scan to the next.
 */
export function findingIdentity(finding: Finding): string {
  const { kind, id, purl, fingerprint, location } = finding;
  return hexHash([kind, id, purl === undefined ? "" : packageIdentity(purl), fingerprint ?? location.path]);
}

/** As {@link findingIdentity}, for one place: the same finding in two files is two. */
export function placeIdentity(finding: Finding, path: string): string {
  return hexHash([findingIdentity(finding), path]);
}

/** A UUID made of the content's hash (RFC 9562 §5.8, version 8: the layout is ours): equal content, equal UUID. */
export function contentUuid(content: string): string {
  const hex = encodedPart(sha256(Buffer.from(content))).slice(0, 32);
  const variant = "89ab"[Number.parseInt(hex.slice(16, 17), 16) & 3];
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20),
  ];
  return groups.join("-");
}

/** SHA-256 of a plain value, 64 hexadecimal digits. */
export function hexHash(value: unknown): string {
  return encodedPart(sha256(Buffer.from(canonicalJson(value))));
}
