import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { CodedError } from "@flotilla/base/errors";

/** SPKI DER of an Ed25519 key has exactly this many bytes (RFC 8410). */
const SPKI_BYTES = 44;
const SIGNATURE_BYTES = 64;

export interface DeviceKey {
  readonly key: KeyObject;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  /** The DER in canonical base64. */
  readonly text: string;
}

/** The Ed25519 public key in `text` (SPKI DER, base64); throws `key-invalid`. */
export function parseDeviceKey(text: string): DeviceKey {
  const der = Buffer.from(text, "base64");
  if (der.length !== SPKI_BYTES) throw invalid();
  const key = importKey(der);
  if (key.asymmetricKeyType !== "ed25519") throw invalid();
  return { key, fingerprint: createHash("sha256").update(der).digest("hex"), text: der.toString("base64") };
}

/** Whether `signature` (base64) is this key's over `bytes`. */
export function isSignedBy(key: KeyObject, bytes: Uint8Array, signature: string): boolean {
  const raw = Buffer.from(signature, "base64");
  return raw.length === SIGNATURE_BYTES && verify(null, bytes, key, raw);
}

function importKey(der: Buffer): KeyObject {
  try {
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch (cause) {
    throw invalid(cause);
  }
}

function invalid(cause?: unknown): CodedError {
  return new CodedError("key-invalid", "the public key must be an Ed25519 key, SPKI DER in base64", { cause });
}
