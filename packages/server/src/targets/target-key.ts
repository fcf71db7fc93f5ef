import { type Envelope, TARGET_PAYLOAD_TYPE } from "@flotilla/protocol/dsse";
import type { TargetDocument } from "@flotilla/protocol/target";
import { openSigningKey } from "../store/signing-key.ts";

/** The key that devices of this server accept targets from. */
export interface TargetKey {
  /** SPKI DER, base64: handed out at enrolment. */
  readonly publicKey: string;
  sign(document: TargetDocument): Envelope;
}

/** Reads the Ed25519 key in `keys/target.pem` of the data folder, or makes it (mode 0600). */
export function openTargetKey(dataDir: string): TargetKey {
  return openSigningKey(dataDir, "target", TARGET_PAYLOAD_TYPE);
}
