import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "@flotilla/base/canonical-json";
import { type Envelope, preAuthEncoding, TARGET_PAYLOAD_TYPE } from "@flotilla/protocol/dsse";
import type { TargetDocument } from "@flotilla/protocol/target";
import { writeSecretFile } from "../store/server-key.ts";

/** The key that devices of this server accept targets from. */
export interface TargetKey {
  /** SPKI DER, base64: handed out at enrolment. */
  readonly publicKey: string;
  sign(document: TargetDocument): Envelope;
}

/** Reads the Ed25519 key in `keys/target.pem` of the data folder, or makes it (mode 0600). */
export function openTargetKey(dataDir: string): TargetKey {
  const folder = join(dataDir, "keys");
  const path = join(folder, "target.pem");
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
    publicKey: spki.toString("base64"),
    sign(document) {
      const payload = Buffer.from(canonicalJson(document));
      const sig = sign(null, preAuthEncoding(TARGET_PAYLOAD_TYPE, payload), key).toString("base64");
      return {
        payloadType: TARGET_PAYLOAD_TYPE,
        payload: payload.toString("base64"),
        signatures: [{ keyid, sig }],
      };
    },
  };
}
