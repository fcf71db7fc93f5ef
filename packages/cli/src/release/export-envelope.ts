import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { CodedError } from "@flotilla/base/errors";
import {
  asEnvelope,
  asReleaseExport,
  RELEASE_EXPORT_PAYLOAD_TYPE,
  type ReleaseExport,
} from "@flotilla/protocol/api/release-transfer";
import { preAuthEncoding } from "@flotilla/protocol/dsse";

/** A public key whose releases are taken. */
export interface TrustedKey {
  readonly key: KeyObject;
  /** SHA-256 of its SPKI DER, hex. */
  readonly keyid: string;
}

const MAX_KEY_BYTES = 4096;

/** A key as `--key` gives it: a PEM file, a file with base64, or base64 itself (SPKI DER, Ed25519). Throws `usage`. */
export function readTrustedKey(text: string): TrustedKey {
  const given = existsSync(text) ? readFileSync(text, "utf8").slice(0, MAX_KEY_BYTES).trim() : text.trim();
  try {
    return toTrustedKey(
      given.startsWith("-----BEGIN")
        ? createPublicKey(given)
        : createPublicKey({ key: Buffer.from(given, "base64"), format: "der", type: "spki" }),
    );
  } catch (cause) {
    throw new CodedError("usage", `--key: neither a file with an Ed25519 public key nor one in base64`, { cause });
  }
}

function toTrustedKey(key: KeyObject): TrustedKey {
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`the key is ${key.asymmetricKeyType}, not ed25519`);
  return {
    key,
    keyid: createHash("sha256")
      .update(key.export({ type: "spki", format: "der" }))
      .digest("hex"),
  };
}

/**
 * What an exported release says of itself, believed only when one of the keys signed it (DSSE v1.0.2). Throws `release-file-signature`,
 * `release-file-invalid`.
 */
export function openExport(
  bytes: Uint8Array,
  keys: readonly TrustedKey[],
): { readonly document: ReleaseExport; readonly signedBy: TrustedKey } {
  const envelope = asEnvelope(parse(bytes));
  if (envelope === undefined) throw invalid("its envelope is none");
  if (envelope.payloadType !== RELEASE_EXPORT_PAYLOAD_TYPE) throw invalid("it is signed as something else");
  const payload = Buffer.from(envelope.payload, "base64");
  const signed = preAuthEncoding(envelope.payloadType, payload);
  const signedBy = keys.find(({ key }) =>
    envelope.signatures.some(({ sig }) => verify(null, signed, key, Buffer.from(sig, "base64"))),
  );
  if (signedBy === undefined) {
    const named = envelope.signatures.map(({ keyid }) => keyid.slice(0, 16)).join(", ");
    throw new CodedError(
      "release-file-signature",
      `no trusted key signed this file (it names the key ${named}): get the key by \`flotilla release key\` on the server that made it, and give it with --key`,
    );
  }
  const document = asReleaseExport(parse(payload));
  if (document === undefined) throw invalid("what was signed is no release");
  return { document, signedBy };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("its envelope is not JSON");
  }
}

function invalid(why: string): CodedError {
  return new CodedError("release-file-invalid", `not a release file as it was exported: ${why}`);
}
