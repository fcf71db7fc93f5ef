import {
  RELEASE_EXPORT_PAYLOAD_TYPE,
  type ReleaseExport,
  type ReleaseKey,
} from "@flotilla/protocol/api/release-transfer";
import type { Envelope } from "@flotilla/protocol/dsse";
import { openSigningKey } from "../../store/signing-key.ts";

/** The key that this server signs exported releases with. Devices do not know it: it is for people who carry files. */
export interface ReleaseSigningKey {
  readonly publicKey: ReleaseKey;
  sign(document: ReleaseExport): Envelope;
}

/** Reads the Ed25519 key in `keys/release.pem` of the data folder, or makes it (mode 0600). */
export function openReleaseSigningKey(dataDir: string): ReleaseSigningKey {
  const { publicKey, keyid, sign } = openSigningKey(dataDir, "release", RELEASE_EXPORT_PAYLOAD_TYPE);
  return { publicKey: { publicKey, keyid }, sign };
}
