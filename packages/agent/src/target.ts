import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { canonicalJson } from "@flotilla/base/canonical-json";
import { CodedError } from "@flotilla/base/errors";
import { sha256 } from "@flotilla/oci/hash";
import { type Envelope, preAuthEncoding, TARGET_PAYLOAD_TYPE } from "@flotilla/protocol/dsse";
import { TargetDocument } from "@flotilla/protocol/target";
import { Value } from "typebox/value";

const MAX_APPS = 100;
const MAX_VARIABLE_BYTES = 1024 * 1024;

/** The key whose targets are accepted: SPKI DER in base64, Ed25519 only. Throws `CodedError("target-key-invalid")`. */
export function parseTargetKey(base64: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
  } catch (cause) {
    throw new CodedError("target-key-invalid", "the pinned target key cannot be read: enrol the device again", {
      cause,
    });
  }
  if (key.asymmetricKeyType !== "ed25519")
    throw new CodedError("target-key-invalid", `the pinned target key is ${key.asymmetricKeyType}, not ed25519`);
  return key;
}

/**
 * The target document in `envelope`, believed only when the pinned key signed it (DSSE v1.0.2) and it names this device. Whether its
 * version is new is for the caller, who knows the version it holds. Throws a `CodedError` whose code starts with `target-`.
 */
export function openTarget(envelope: Envelope, key: KeyObject, deviceId: string): TargetDocument {
  if (envelope.payloadType !== TARGET_PAYLOAD_TYPE)
    throw new CodedError("target-type", `target: payload type ${envelope.payloadType.slice(0, 100)} is not known`);
  const payload = Buffer.from(envelope.payload, "base64");
  const signed = preAuthEncoding(envelope.payloadType, payload);
  const proven = envelope.signatures.some(({ sig }) => verify(null, signed, key, Buffer.from(sig, "base64")));
  if (!proven) throw new CodedError("target-signature", "target: not signed by the pinned key");
  const document = parseDocument(payload);
  if (document.device !== deviceId) throw new CodedError("target-device", "target: made for another device");
  checkVariables(document);
  return document;
}

function parseDocument(payload: Uint8Array): TargetDocument {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (cause) {
    throw new CodedError("target-invalid", "target: not JSON", { cause });
  }
  if (!Value.Check(TargetDocument, value)) throw new CodedError("target-invalid", "target: not a target document");
  if (Object.keys(value.apps).length > MAX_APPS)
    throw new CodedError("target-invalid", `target: more than ${MAX_APPS} apps`);
  return value;
}

function checkVariables(document: TargetDocument): void {
  for (const [app, target] of Object.entries(document.apps)) {
    const text = canonicalJson(target.variables);
    if (text.length > MAX_VARIABLE_BYTES)
      throw new CodedError("target-invalid", `target: variables of ${app} too large`);
    if (sha256(text) !== target.variablesHash)
      throw new CodedError("target-invalid", `target: variables of ${app} do not match their hash`);
  }
}
