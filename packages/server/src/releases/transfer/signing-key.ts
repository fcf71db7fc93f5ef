import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "@flotilla/base/canonical-json";
import {
  RELEASE_EXPORT_PAYLOAD_TYPE,
  type ReleaseExport,
  type ReleaseKey,
} from "@flotilla/protocol/api/release-transfer";
import { type Envelope, preAuthEncoding } from "@flotilla/protocol/dsse";
import { writeSecretFile } from "../../store/server-key.ts";

/** The key that this server signs exported releases with. Devices do not know it: it is for people who carry files. */
export interface ReleaseSigningKey {
  readonly publicKey: ReleaseKey;
  sign(document: ReleaseExport): Envelope;
}

/** Reads the Ed25519 key in `keys/release.pem` of the data folder, or makes it (mode 0600). */
export function openReleaseSigningKey(dataDir: string): ReleaseSigningKey {
  const folder = join(dataDir, "keys");
  const path = join(folder, "release.pem");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writeSecretFile(path, privateKey.export({ type: "pkcs8", format: "pem" }));
  }
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`${path} does not hold an Ed25519 key`);
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const keyid = createHash("sha256").update(spki).digest("hex");
  return {
    publicKey: { publicKey: spki.toString("base64"), keyid },
    sign(document) {
      const payload = Buffer.from(canonicalJson(document));
      const sig = sign(null, preAuthEncoding(RELEASE_EXPORT_PAYLOAD_TYPE, payload), key).toString("base64");
      return {
        payloadType: RELEASE_EXPORT_PAYLOAD_TYPE,
        payload: payload.toString("base64"),
        signatures: [{ keyid, sig }],
      };
    },
  };
}
